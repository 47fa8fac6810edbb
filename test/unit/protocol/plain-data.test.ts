import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, MalformedBytesError } from "../../../src/protocol/bytes.ts";
import { readPlain, writePlain } from "../../../src/protocol/plain-data.ts";

function written(value: unknown): Uint8Array {
  const writer = new ByteWriter();
  writePlain(writer, value);
  return writer.take();
}

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(undefined, null, true, false),
    fc.double(),
    fc.integer(),
    fc.string({ unit: "binary" }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.dictionary(fc.string(), tie("value"), { noNullPrototype: true }),
    fc.array(fc.tuple(fc.integer(), tie("value"))).map((entries) => new Map(entries)),
  ),
}));

describe("plain data", () => {
  it("is the same after its way", () => {
    fc.assert(
      fc.property(plain.value, (value) => {
        const reader = new ByteReader(written(value));
        expect(readPlain(reader)).toEqual(value);
        expect(reader.done).toBe(true);
      }),
    );
  });

  it("keeps a key that would be a prototype, as a key", () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}}') as object;
    const read = readPlain(new ByteReader(written(value))) as object;
    expect(Object.keys(read)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it("does not share memory with the bytes it was read from", () => {
    const bytes = written(Uint8Array.of(1, 2, 3));
    const read = readPlain(new ByteReader(bytes));
    bytes.fill(9);
    expect(read).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("refuses what is no data, and nesting without end", () => {
    for (const value of [() => 1, Symbol("s"), 1n]) expect(() => written(value)).toThrow(TypeError);
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => written(loop)).toThrow("nested");
    // A list in a list in a list, as bytes.
    const deep = new Uint8Array(10_000).map((_, index) => (index % 2 === 0 ? 8 : 1));
    expect(() => readPlain(new ByteReader(deep))).toThrow(MalformedBytesError);
  });

  it("refuses malformed bytes with one kind of error, and without taking memory for promises", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          readPlain(new ByteReader(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytesError);
        }
      }),
      { numRuns: 1000 },
    );
    const promise = new ByteWriter();
    promise.u8(8);
    promise.varint(2 ** 40);
    expect(() => readPlain(new ByteReader(promise.take()))).toThrow("end early");
  });
});
