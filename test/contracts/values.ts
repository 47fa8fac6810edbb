/** Generated values of every kind that crosses, and how two of them are told apart. */
import fc from "fast-check";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
);
const regexp = fc.constantFrom(
  /a/g,
  /[^\]/]+/iu,
  new RegExp(""),
  new RegExp("\n/"),
  /(?<year>\d{4})-\k<year>/dsy,
  /^\p{Lu}/mu,
  new RegExp("[\\p{L}--[a-z]]", "v"),
  Object.assign(/x/g, { lastIndex: 3 }),
);
const boxed = fc
  .oneof(fc.boolean(), fc.double(), fc.bigInt(), text)
  .map((primitive) => Object(primitive) as object);
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
  regexp,
  boxed,
);
const key = fc.oneof(
  text,
  fc.constantFrom("__proto__", "constructor", "then", "toJSON", "length", "0", "7", "01", "-0"),
  fc.constantFrom("2147483647", "2147483648", "4294967294", "4294967295"),
);

/** Of arrays with holes; millions of them would be set aside one by one, on this side. */
const length = fc.constantFrom(0, 0, 0, 0, 30, 2_000, 2 ** 31, 2 ** 32 - 1);

class Instance {
  own = 1;
  get inherited(): number {
    return 2;
  }
}

function withEntries(object: object, entries: readonly [string, unknown][]): object {
  for (const [name, value] of entries)
    Object.defineProperty(object, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  return object;
}

type View = new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => ArrayBufferView;
const VIEWS: readonly View[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
const Resizable = ArrayBuffer as new (length: number, options?: object) => ArrayBuffer;

/** Buffers and views of one of them, which lie anywhere in it: it is as long as any needs. */
const views = fc
  .record({
    // The longer ones do not go in a message's bytes.
    length: fc.constantFrom(64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 70_000),
    growsTo: fc.option(fc.integer({ min: 70_000, max: 80_000 })),
    seed: fc.nat(255),
    parts: fc.array(fc.tuple(fc.constantFrom(...VIEWS), fc.nat(3), fc.nat(4)), { maxLength: 4 }),
    withBuffer: fc.boolean(),
  })
  .map(({ length, growsTo, seed, parts, withBuffer }) => {
    const buffer = new Resizable(length, growsTo === null ? {} : { maxByteLength: growsTo });
    const bytes = new Uint8Array(buffer);
    for (let at = 0; at < 64; at++) bytes[at] = seed + at * 3;
    const made: object[] = parts.map(
      ([Class, offset, count]) => new Class(buffer, offset * 8, count),
    );
    if (withBuffer) made.push(buffer);
    return made;
  });

const errorClass = fc.constantFrom(Error, TypeError, RangeError, SyntaxError, URIError);

/** Containers joined by references to each other: cycles and sharing through every kind of them. */
const graph = fc
  .tuple(
    fc.array(fc.constantFrom("object", "array", "map", "set"), { minLength: 1, maxLength: 5 }),
    fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 10 }),
    leaf,
  )
  .map(([kinds, wires, content]) => {
    const nodes = kinds.map((kind) =>
      kind === "object" ? {} : kind === "array" ? [] : kind === "map" ? new Map() : new Set(),
    );
    for (const [from, to] of wires) {
      const holder = nodes[from % nodes.length];
      const held = nodes[to % nodes.length];
      if (Array.isArray(holder)) holder.push(held, content);
      else if (holder instanceof Map) holder.set(held, content).set(content, held);
      else if (holder instanceof Set) holder.add(held).add(content);
      else withEntries(holder as object, [[`to ${to}`, held]]);
    }
    return nodes;
  });

/** Any value that can cross the wall. */
export const crossingValue: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => {
  const any = tie("any");
  const entries = fc.array(fc.tuple(key, any), { maxLength: 6 });
  return {
    any: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      leaf,
      fc.array(any, { maxLength: 6 }),
      entries.map((members) => withEntries({}, members)),
      entries.map((members) => withEntries(Object.create(null) as object, members)),
      entries.map((members) => withEntries(new Instance(), members)),
      fc.array(fc.tuple(any, any), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      fc.array(any, { maxLength: 4 }).map((members) => new Set(members)),
      fc
        .tuple(fc.array(fc.tuple(fc.nat(20), any), { maxLength: 4 }), entries, length)
        .map(([elements, named, most]) => {
          const array: unknown[] = [];
          for (const [index, member] of elements) array[index] = member;
          array.length = Math.max(array.length, most);
          return withEntries(
            array,
            named.filter(([name]) => name !== "length"),
          );
        }),
      any.map((member) => [member, member]),
      fc.tuple(any, fc.integer({ min: 1, max: 60 })).map(([member, depth]) => {
        let nested = member;
        for (let level = 0; level < depth; level++)
          nested = level % 3 === 0 ? [nested] : { nested };
        return nested;
      }),
      fc
        .tuple(errorClass, fc.option(text), fc.option(any))
        .map(
          ([Class, message, cause]) =>
            new Class(message ?? undefined, cause === null ? undefined : { cause }),
        ),
      views,
      graph,
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
  if (subject instanceof RegExp)
    return `RegExp(${subject.source},${subject.flags},${subject.lastIndex})`;
  if (subject instanceof Error) return shapeOfError(subject, inner);
  if (subject instanceof ArrayBuffer) return shapeOfBuffer(subject);
  if (ArrayBuffer.isView(subject))
    return `${kind}(${subject.byteOffset},${subject.byteLength},${inner(subject.buffer)})`;
  if (["Number", "String", "Boolean", "BigInt"].includes(kind))
    return `Boxed(${inner(subject.valueOf())})`;
  const members = Object.keys(subject).map(
    (name) => `${JSON.stringify(name)}:${inner((subject as Record<string, unknown>)[name])}`,
  );
  if (Array.isArray(subject)) return `[${subject.length};${members.join()}]`;
  const isPlain = Object.getPrototypeOf(subject) === Object.prototype;
  return `${isPlain ? "" : "class "}${kind}{${members.join()}}`;
}

function shapeOfError(error: Error, inner: (part: unknown) => string): string {
  const message = Object.hasOwn(error, "message") ? JSON.stringify(error.message) : "none";
  const cause = Object.hasOwn(error, "cause") ? inner(error.cause) : "none";
  return `${error.constructor.name}(${error.name},${message},${cause})`;
}

function shapeOfBuffer(buffer: ArrayBuffer): string {
  const { resizable, maxByteLength } = buffer as { resizable?: boolean; maxByteLength?: number };
  const most = resizable === true ? `of ${maxByteLength}` : "";
  // What lies behind is the same byte throughout, in what is generated.
  const rest = new Uint8Array(buffer, Math.min(64, buffer.byteLength));
  const sum = rest.reduce((total, byte) => total + byte, 0);
  return `Buffer(${buffer.byteLength}${most},${new Uint8Array(buffer).slice(0, 64).join()},${sum})`;
}
