/**
 * Checks at start-up that the engine's memory and binary format are as the marshalling expects:
 * one value of every kind goes in and out, and the random state is where it is reseeded. An engine
 * build that differs is refused before it runs anything.
 */
import { ByteWriter } from "../protocol/bytes.ts";
import { encodeArguments } from "../protocol/values/inbound.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import { randomStateFound } from "./calibrate.ts";
import { dropFirstLine } from "./first-line.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { placeArguments } from "./marshal/place-inbound.ts";
import { EvalFlag, type Sandbox } from "./sandbox.ts";

/** Guest source: one of everything that crosses. */
const SPECIMENS = `(function (inbound) {
  const shared = { number: 1.5, negative: -7, text: "a\\u4e2d\\ud83d", narrow: "\\u00e9\\u0000b", big: -(2n ** 70n), small: 5n };
  const buffer = new ArrayBuffer(8);
  new Uint8Array(buffer)[3] = 9;
  const holes = [1, , 3];
  holes.named = true;
  shared.self = shared;
  let rope = "";
  while (rope.length < 20000) rope += "0123456789abcdef".repeat(64);
  return [inbound, shared, [true, false, null, undefined, -0, NaN, 2147483648], holes, new Map([["k", new Set([1])]]),
    new Date(86400000), /a+b/giu, new RangeError("boom", { cause: "c" }), new Float64Array(buffer), new DataView(buffer, 2, 3),
    Object("boxed"), Object(3), rope.length + rope.slice(-3), rope + "x", { __proto__: null, ["__proto__"]: 1 },
    (function () { return arguments; })(1, "two")];
})`;

/** Throws with what differs when the engine is not the one this code was written for. */
export function selfTest(sandbox: Sandbox): void {
  const random = sandbox.evaluate("Math.random()", "skep:self-test", EvalFlag.script);
  sandbox.heap.refresh();
  if (!randomStateFound(sandbox, sandbox.heap.number(random.value)))
    unsupported("the random state");
  const own = sandbox.evaluate("String(wpc_import)", "skep:self-test", EvalFlag.script);
  if (!sandbox.heap.text(own.value, 200).includes("[native code]")) unsupported("the strip flag");
  if (!positionsFound(sandbox)) unsupported("the record of positions");
  const inbound = specimens();
  const callee = sandbox.evaluate(SPECIMENS, "skep:self-test", EvalFlag.script);
  if (callee.threw) unsupported("evaluation");
  const placed = placeArguments(sandbox, encodeArguments([inbound]));
  const result = sandbox.call(callee.value, placed.count, placed.pointers);
  if (result.threw) unsupported("the binary object format");
  const writer = new ByteWriter();
  writeValue(sandbox.heap, result.value, writer, { root: "self-test", maximumBytes: 1 << 20 });
  const [echo, ...outbound] = decodeValue(writer.take()) as unknown[];
  if (fingerprint(echo) !== fingerprint(inbound)) unsupported("the binary object format");
  if (fingerprint(outbound) !== expected()) unsupported("the heap layout");
}

/** Whether positions of a function, and of one in it, can be moved up a line. */
function positionsFound(sandbox: Sandbox): boolean {
  return [
    '(\n() => (() =>\n new Error("").stack)())',
    // It begins on the line that is taken out: near what is in it, and far from it.
    '(() =>\n \n (() => new Error("").stack)())',
    `(() =>${"\n".repeat(70)} 1 + (() =>\n\n new Error("").stack)())`,
  ].every((source, index) => {
    const made = sandbox.evaluate(source, "skep:self-test", EvalFlag.script);
    dropFirstLine(sandbox, made.value);
    const stack = sandbox.call(made.value, 0);
    sandbox.heap.refresh();
    const text = sandbox.heap.text(stack.value, 500);
    return EXPECTED_PLACES[index]?.every((place) => text.includes(`skep:self-test:${place})`));
  });
}

const EXPECTED_PLACES: readonly (readonly string[])[] = [
  ["2:11", "2:22"],
  ["2:18", "2:29"],
  ["72:11", "72:22"],
];

function specimens(): unknown {
  const buffer = new ArrayBuffer(6);
  const shared: Record<string, unknown> = { a: 1, b: "text\u4e2d", 7: 2.25 };
  shared["self"] = shared;
  const holes: unknown[] = [];
  holes[1] = "x";
  return [
    shared,
    shared,
    holes,
    new Map<unknown, unknown>([[shared, new Set([new Date(5)])]]),
    /x/y,
    new TypeError("t", { cause: 1 }),
    new Uint16Array(buffer, 2, 1),
    new DataView(buffer),
    [-1, 2 ** 31, -0, Number.NaN, true, null, undefined, 12n, -(3n ** 60n)],
  ];
}

function expected(): string {
  const shared: Record<string, unknown> = {
    number: 1.5,
    negative: -7,
    text: "a\u4e2d\ud83d",
    narrow: "\u00e9\u0000b",
    big: -(2n ** 70n),
    small: 5n,
  };
  shared["self"] = shared;
  const buffer = new ArrayBuffer(8);
  new Uint8Array(buffer)[3] = 9;
  const holes: unknown[] & { named?: boolean } = [1];
  holes[2] = 3;
  holes.named = true;
  let rope = "";
  while (rope.length < 20_000) rope += "0123456789abcdef".repeat(64);
  const proto: object = {};
  Object.defineProperty(proto, "__proto__", { value: 1, enumerable: true });
  return fingerprint([
    shared,
    [true, false, null, undefined, -0, Number.NaN, 2_147_483_648],
    holes,
    new Map([["k", new Set([1])]]),
    new Date(86_400_000),
    /a+b/giu,
    new RangeError("boom", { cause: "c" }),
    new Float64Array(buffer),
    new DataView(buffer, 2, 3),
    new String("boxed"),
    new Number(3),
    rope.length + rope.slice(-3),
    `${rope}x`,
    proto,
    { 0: 1, 1: "two" },
  ]);
}

/** A text that two values share when they are equal in everything that crosses. */
function fingerprint(value: unknown, seen: Map<object, number> = new Map()): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null)
    return Object.is(value, -0) ? "-0" : String(value);
  const known = seen.get(value);
  if (known !== undefined) return `#${known}`;
  seen.set(value, seen.size);
  const inner = (part: unknown): string => fingerprint(part, seen);
  if (value instanceof Map)
    return `Map(${[...value].map((pair) => pair.map(inner).join(">")).join()})`;
  if (value instanceof Set) return `Set(${[...value].map(inner).join()})`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return `${value}`;
  if (value instanceof Error) return `${value.name}(${value.message},${inner(value.cause)})`;
  if (value instanceof ArrayBuffer) return `Buffer(${new Uint8Array(value).join()})`;
  if (ArrayBuffer.isView(value)) {
    const kind = Object.prototype.toString.call(value);
    return `${kind}(${value.byteOffset},${value.byteLength},${inner(value.buffer)})`;
  }
  if (value instanceof String || value instanceof Number) return `Boxed(${inner(value.valueOf())})`;
  const members = Object.entries(value).map(([key, member]) => `${key}:${inner(member)}`);
  return Array.isArray(value) ? `[${value.length};${members.join()}]` : `{${members.join()}}`;
}

function unsupported(what: string): never {
  throw new Error(
    `This engine build is not supported: ${what} is not where skep expects it. ` +
      "Install the engine packages in the versions that skep's package.json names.",
  );
}
