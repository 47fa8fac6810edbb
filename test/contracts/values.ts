/** Generated values of every kind that crosses, and how two of them are told apart. */
import fc from "fast-check";

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

/** Any value that can cross the wall. */
export const crossingValue: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => {
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

/** Everything that tells two values apart: kinds, order of keys, holes, identity, bits of numbers. */
export function shape(subject: unknown, seen: Map<object, number> = new Map()): string {
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
