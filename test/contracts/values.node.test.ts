/**
 * Generated values through a real sandbox and back, without the pool around it: whatever
 * structuredClone makes of a value, the wall must too.
 */
import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { calibrate, type EngineFacts } from "../../src/guest/calibrate.ts";
import { loadEngine } from "../../src/guest/engine.ts";
import { captureImage, type Image, restoreImage } from "../../src/guest/image.ts";
import { placeArguments } from "../../src/guest/marshal/place-inbound.ts";
import { EvalFlag, Sandbox } from "../../src/guest/sandbox.ts";
import { ByteWriter } from "../../src/protocol/bytes.ts";
import { encodeArguments } from "../../src/protocol/values/inbound.ts";
import { decodeValue } from "../../src/protocol/values/outbound.ts";

/** Cases per engine; a release run asks for more with SKEP_VALUE_CASES. */
const CASES = Number(process.env["SKEP_VALUE_CASES"] ?? 4_000);

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
);
const leaf = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constant(-0),
  text,
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a/g, /[^\]/]+/iu, new RegExp("")),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array().map((array) => array.buffer),
  fc.boolean().map(Object),
  text.map(Object),
  text.map((message) => new RangeError(message)),
);
const key = fc.oneof(
  text,
  fc.constantFrom("__proto__", "constructor", "then", "0", "length", "4294967295"),
);

const value = fc.letrec<{ any: unknown }>((tie) => {
  const any = tie("any");
  return {
    any: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      leaf,
      fc.array(any, { maxLength: 6 }),
      fc.array(fc.tuple(key, any), { maxLength: 6 }).map((entries) => {
        const object = {};
        for (const [name, member] of entries) {
          Object.defineProperty(object, name, {
            value: member,
            enumerable: true,
            writable: true,
            configurable: true,
          });
        }
        return object;
      }),
      fc.array(fc.tuple(any, any), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(any, { maxLength: 4 }).map((members) => new Set(members)),
      fc.array(fc.tuple(fc.nat(20), any), { maxLength: 4 }).map((entries) => {
        const holes: unknown[] = [];
        for (const [index, member] of entries) holes[index] = member;
        return holes;
      }),
      any.map((member) => [member, member]),
      any.map((member) => {
        const cycle: Record<string, unknown> = { member };
        cycle["self"] = cycle;
        return cycle;
      }),
      fc
        .uint8Array({ minLength: 8, maxLength: 16 })
        .map((bytes) => [bytes.subarray(2, 5), bytes, new DataView(bytes.buffer, 1)]),
    ),
  };
}).any;

describe.each(["sync", "asyncify"] as const)("%s", (name) => {
  let sandbox: Sandbox;
  let image: Image;
  let facts: EngineFacts;
  beforeAll(async () => {
    const file = new URL(`../../dist/engine/quickjs-${name}.wasm`, import.meta.url);
    const engine = await loadEngine(name, await WebAssembly.compile(await readFile(file)));
    facts = await calibrate(engine);
    sandbox = await Sandbox.create(engine);
    sandbox.boot(256 * 1024);
    const echo = sandbox.evaluate("(value) => value", "echo", EvalFlag.script);
    sandbox.anchors.functions.set(1, { name: "echo", value: echo.value, contextIndex: undefined });
    image = captureImage(sandbox, facts);
  });

  function throughTheWall(subject: unknown): unknown {
    restoreImage(sandbox, image, facts);
    const placed = placeArguments(sandbox, encodeArguments([subject]));
    const echo = sandbox.anchors.functions.get(1)?.value ?? 0;
    const { value: returned, threw } = sandbox.call(echo, placed.count, placed.pointers);
    expect(threw).toBe(false);
    const writer = new ByteWriter();
    sandbox.heap.write(returned, writer, { root: "result", maximumBytes: 2 ** 24 });
    return decodeValue(writer.take());
  }

  it("agrees with structuredClone", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(value, (subject) => {
        const back = throughTheWall(subject);
        const expected: unknown = structuredClone(subject);
        expect(shape(back)).toBe(shape(expected));
      }),
      { numRuns: CASES },
    );
  });
});

/** Everything that tells two values apart: kinds, order of keys, holes, identity, bits of numbers. */
function shape(subject: unknown, seen: Map<object, number> = new Map()): string {
  if (typeof subject === "string") return JSON.stringify(subject);
  if (typeof subject === "bigint") return `${subject}n`;
  if (typeof subject !== "object" || subject === null)
    return Object.is(subject, -0) ? "-0" : String(subject);
  const known = seen.get(subject);
  if (known !== undefined) return `#${known}`;
  seen.set(subject, seen.size);
  const inner = (part: unknown): string => shape(part, seen);
  const kind = Object.prototype.toString.call(subject).slice(8, -1);
  if (subject instanceof Map)
    return `Map{${[...subject].map(([k, v]) => `${inner(k)}>${inner(v)}`).join()}}`;
  if (subject instanceof Set) return `Set{${[...subject].map(inner).join()}}`;
  if (subject instanceof Date) return `Date(${subject.getTime()})`;
  if (subject instanceof RegExp) return `RegExp(${subject.source},${subject.flags})`;
  if (subject instanceof Error) return `${subject.name}(${JSON.stringify(subject.message)})`;
  if (subject instanceof ArrayBuffer) return `Buffer(${new Uint8Array(subject).join()})`;
  if (ArrayBuffer.isView(subject))
    return `${kind}(${subject.byteOffset},${subject.byteLength},${inner(subject.buffer)})`;
  if (subject instanceof String || subject instanceof Boolean)
    return `Boxed(${inner(subject.valueOf())})`;
  const members = Object.keys(subject).map(
    (name) => `${JSON.stringify(name)}:${inner((subject as Record<string, unknown>)[name])}`,
  );
  return Array.isArray(subject)
    ? `[${subject.length};${members.join()}]`
    : `${kind}{${members.join()}}`;
}
