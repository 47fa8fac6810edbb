import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedBytesError } from "../../../src/protocol/bytes.ts";
import { LengthReader, withLength } from "../../../src/protocol/lengths.ts";

describe("frames behind their lengths", () => {
  it("are found in chunks of any size", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (all, sizes) => {
          const stream = Buffer.concat(all.map((frame) => withLength(frame)));
          const found: Uint8Array[] = [];
          const reader = new LengthReader(100, (frame) => found.push(frame.slice()));
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            reader.push(stream.subarray(at, at + size));
            at += size;
          }
          expect(found).toEqual(all.map((frame) => new Uint8Array(frame)));
        },
      ),
    );
  });

  it("are refused by their length, before there is more of them", () => {
    const reader = new LengthReader(100, () => {});
    expect(() => reader.push(Uint8Array.of(101, 0, 0, 0))).toThrow(MalformedBytesError);
  });
});
