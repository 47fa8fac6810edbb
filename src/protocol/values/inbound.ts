/**
 * Host values on their way into a sandbox. Encoded once, in the parent, in the engine's own
 * format, so that the worker only copies bytes and the engine builds the values natively.
 */
import { SkepError } from "../../errors.ts";
import { ByteWriter } from "../bytes.ts";
import {
  BUFFER_KEY,
  FIXED_LENGTH,
  FORMAT_VERSION,
  GuestTag,
  InboundMode,
  LinkKind,
  MAXIMUM_DEPTH,
  TYPED_ARRAYS,
} from "./guest-format.ts";

/**
 * Encodes a call's arguments.
 *
 * @throws SkepError `not-marshallable`, naming the path (`args[0].onClick is a function`).
 */
export function encodeArguments(args: readonly unknown[]): Uint8Array {
  return encodeImmediates(args) ?? new InboundEncoder("args", false).encode(args);
}

/**
 * Encodes a constant: an array that holds the one value.
 *
 * @throws SkepError `not-marshallable`, naming the path from the constant's name on.
 */
export function encodeConstant(name: string, value: unknown): Uint8Array {
  return new InboundEncoder(name, true).encode([value]);
}

/**
 * Encodes an array for the guest's library code, always in the engine's format.
 *
 * @throws SkepError `not-marshallable`, naming the path from `rootName` on.
 */
export function encodeArray(values: readonly unknown[], rootName: string): Uint8Array {
  return new InboundEncoder(rootName, false).encode(values);
}

// The engine's values in 32-bit memory: a tag in the upper word, or a double moved by a constant.
const TAG_INT = 0;
const TAG_BOOL = 1;
const TAG_NULL = 2;
const TAG_UNDEFINED = 3;
/** Subtracted from a double's upper word, so that no double looks like a tag. */
const DOUBLE_OFFSET = 0x7ff8_000a;
const CANONICAL_NAN_UPPER = 0x7ff8_0000;

/** The short form for arguments without strings or objects; undefined when there are others. */
function encodeImmediates(args: readonly unknown[]): Uint8Array | undefined {
  const count = args.length;
  if (count > 255) return undefined;
  const bytes = new Uint8Array(2 + count * 8);
  bytes[0] = InboundMode.immediates;
  bytes[1] = count;
  for (let index = 0; index < count; index++) {
    if (!writeImmediate(bytes, 2 + index * 8, args[index])) return undefined;
  }
  return bytes;
}

function writeImmediate(bytes: Uint8Array, at: number, value: unknown): boolean {
  if (typeof value === "number") {
    if ((value | 0) === value && !Object.is(value, -0)) writeWords(bytes, at, value, TAG_INT);
    else {
      doubleView.setFloat64(0, value, true);
      const upper = Number.isNaN(value) ? CANONICAL_NAN_UPPER : doubleView.getUint32(4, true);
      writeWords(bytes, at, doubleView.getUint32(0, true), upper - DOUBLE_OFFSET);
    }
    return true;
  }
  if (typeof value === "boolean") {
    writeWords(bytes, at, value ? 1 : 0, TAG_BOOL);
    return true;
  }
  if (value === null || value === undefined) {
    writeWords(bytes, at, 0, value === null ? TAG_NULL : TAG_UNDEFINED);
    return true;
  }
  return false;
}

// One for all: a view over each call's few bytes would cost more than writing them.
const doubleView: DataView = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

function writeWords(bytes: Uint8Array, at: number, lower: number, upper: number): void {
  for (let index = 0; index < 4; index++) {
    bytes[at + index] = lower >>> (index * 8);
    bytes[at + 4 + index] = upper >>> (index * 8);
  }
}

type Key = string | number;

/** An object already encoded, or on its way: how the guest finds it and how a message names it. */
interface Place {
  /** The place that holds it in the encoded form; undefined for the two roots. */
  holder: Place | undefined;
  key: Key;
  /** As `holder` and `key`, but in the value as the host sees it. */
  namedIn: Place | undefined;
  name: string;
}

class InboundEncoder {
  readonly #rootName: string;
  readonly #single: boolean;
  readonly #body = new ByteWriter(256);
  readonly #atoms = new Map<string, number>();
  readonly #places = new Map<object, Place>();
  /** Encoded apart from the values and reached by links. */
  readonly #data: { values: unknown[]; place: Place }[] = [];
  readonly #links: Key[] = [];
  #depth = 0;

  constructor(rootName: string, single: boolean) {
    this.#rootName = rootName;
    this.#single = single;
  }

  encode(values: readonly unknown[]): Uint8Array {
    const body = this.#body;
    const root: Place = { holder: undefined, key: 0, namedIn: undefined, name: "" };
    this.#denseArray(values, root);
    const valuesEnd = body.length;
    // Encoding an entry may append further ones.
    for (let index = 0; index < this.#data.length; index++) {
      const entry = this.#data[index];
      if (entry) this.#denseArray(entry.values, entry.place);
    }
    if (this.#links.length === 0)
      return this.#assemble(InboundMode.plain, body.bytes.subarray(0, body.length));
    const linked = new ByteWriter(body.length + this.#links.length * 4 + 16);
    linked.u8(GuestTag.array);
    linked.varint(3);
    linked.raw(body.bytes.subarray(0, valuesEnd));
    linked.u8(GuestTag.array);
    linked.varint(this.#data.length);
    linked.raw(body.bytes.subarray(valuesEnd, body.length));
    linked.u8(GuestTag.array);
    linked.varint(this.#links.length);
    for (const key of this.#links) {
      if (typeof key === "string") this.#string(key, linked);
      else writeNumber(linked, key);
    }
    return this.#assemble(InboundMode.linked, linked.bytes.subarray(0, linked.length));
  }

  #assemble(mode: number, body: Uint8Array): Uint8Array {
    const out = new ByteWriter(body.length + 64);
    out.u8(mode);
    out.u8(FORMAT_VERSION);
    out.varint(this.#atoms.size);
    for (const atom of this.#atoms.keys()) out.string(atom);
    out.raw(body);
    return out.take();
  }

  /** Writes one value; `holder` and `key` say where it stands, `namedIn` and `name` how to call that. */
  #value(value: unknown, holder: Place, key: Key, namedIn: Place, name: string): void {
    const body = this.#body;
    switch (typeof value) {
      case "string":
        this.#string(value, body);
        return;
      case "number":
        writeNumber(body, value);
        return;
      case "boolean":
        body.u8(value ? GuestTag.true : GuestTag.false);
        return;
      case "undefined":
        body.u8(GuestTag.undefined);
        return;
      case "bigint":
        writeBigInt(body, value);
        return;
      case "object":
        if (value === null) body.u8(GuestTag.null);
        else this.#object(value, { holder, key, namedIn, name });
        return;
      default:
        throw this.#refusal({ holder, key, namedIn, name }, `a ${typeof value}`);
    }
  }

  #object(value: object, place: Place): void {
    const known = this.#places.get(value);
    if (known) {
      this.#link(place, LinkKind.same);
      this.#path(known);
      return;
    }
    this.#places.set(value, place);
    if (++this.#depth > MAXIMUM_DEPTH) {
      throw this.#refusal(place, `nested more than ${MAXIMUM_DEPTH} levels deep`);
    }
    if (Array.isArray(value)) this.#array(value, place);
    else if (ArrayBuffer.isView(value)) this.#view(value, place);
    else this.#other(value, place);
    this.#depth--;
  }

  #array(value: unknown[], place: Place): void {
    // As many own enumerable keys as elements means: no holes and no named properties, unless
    // both, which the loop over the elements would meet as an undefined that is not there.
    const keys = Object.keys(value);
    const { length } = value;
    if (keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))) {
      this.#denseArray(value, place);
      return;
    }
    const entries: unknown[] = [length];
    const names: string[] = ["length"];
    for (const key of keys) {
      entries.push(key, value[key as unknown as number]);
      names.push("", propertyName(key));
    }
    this.#apart(LinkKind.array, entries, place, names);
  }

  #denseArray(values: readonly unknown[], place: Place): void {
    const body = this.#body;
    body.u8(GuestTag.array);
    body.varint(values.length);
    const names = this.#names.get(values);
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      // The common leaves are written here: a place per number would cost more than the number.
      if (typeof value === "number") writeNumber(body, value);
      else if (typeof value === "string") this.#string(value, body);
      else this.#value(value, place, index, place, names?.[index] ?? `[${index}]`);
    }
  }

  #plainObject(value: object, place: Place): void {
    const keys = Object.keys(value);
    const body = this.#body;
    body.u8(GuestTag.object);
    body.varint(keys.length);
    for (const key of keys) {
      this.#key(key);
      const member = (value as Record<string, unknown>)[key];
      if (typeof member === "number") writeNumber(body, member);
      else if (typeof member === "string") this.#string(member, body);
      else this.#value(member, place, key, place, propertyName(key));
    }
  }

  /** An object by its class; what has none of its own is its own enumerable properties. */
  #other(value: object, place: Place): void {
    const body = this.#body;
    const brand = brandOf(value);
    switch (brand) {
      case "Map": {
        const entries = [...(value as Map<unknown, unknown>)];
        const names = entries.flatMap((_, index) => [`.keys()[${index}]`, `.values()[${index}]`]);
        return this.#apart(LinkKind.map, entries.flat(1), place, names);
      }
      case "Set": {
        const members = [...(value as Set<unknown>)];
        return this.#apart(
          LinkKind.set,
          members,
          place,
          members.map((_, index) => `.values()[${index}]`),
        );
      }
      case "Date":
        body.u8(GuestTag.date);
        return writeNumber(body, Date.prototype.getTime.call(value));
      case "RegExp": {
        this.#link(place, LinkKind.regexp);
        this.#links.push((value as RegExp).source, (value as RegExp).flags);
        return;
      }
      case "Error":
        return this.#error(value as Error, place);
      case "ArrayBuffer":
        return this.#buffer(value as ArrayBuffer);
      case "Number":
      case "String":
      case "Boolean":
      case "BigInt":
        body.u8(GuestTag.boxed);
        return this.#value((value as { valueOf(): unknown }).valueOf(), place, 0, place, "");
      case undefined:
        return this.#plainObject(value, place);
      default:
        throw this.#refusal(place, `a ${brand}`);
    }
  }

  #error(value: Error, place: Place): void {
    const name = STANDARD_ERRORS.has(String(value.name)) ? value.name : "Error";
    const fields: unknown[] = [name, String(value.message)];
    // The stack stays: it is the host's.
    if (Object.hasOwn(value, "cause")) fields.push(value.cause);
    this.#apart(LinkKind.error, fields, place, [".name", ".message", ".cause"]);
  }

  #view(value: ArrayBufferView, place: Place): void {
    const name = viewName(value);
    if (name === "DataView") {
      this.#apart(LinkKind.dataView, [value.buffer, value.byteOffset, value.byteLength], place, [
        ".buffer",
        ".byteOffset",
        ".byteLength",
      ]);
      return;
    }
    const type = TYPED_ARRAYS.indexOf(name as (typeof TYPED_ARRAYS)[number]);
    if (type < 0) throw this.#refusal(place, `a ${name}`);
    const { length } = value as Uint8Array;
    const buffer: ArrayBufferLike = value.buffer;
    if (isShared(buffer)) throw this.#refusal(place, "a view of a SharedArrayBuffer");
    const body = this.#body;
    // Node's Buffers are slices of a pool that holds other people's bytes: only the slice goes in.
    const isPooled = name === "Uint8Array" && Object.getPrototypeOf(value) !== Uint8Array.prototype;
    const known = isPooled ? undefined : this.#places.get(buffer);
    if (known) {
      this.#link(place, LinkKind.view);
      this.#links.push(type, value.byteOffset, length);
      this.#path(known);
      return;
    }
    body.u8(GuestTag.typedArray);
    body.u8(type);
    body.varint(length);
    body.varint(isPooled ? 0 : value.byteOffset);
    if (isPooled) {
      this.#bufferBytes(new Uint8Array(buffer, value.byteOffset, length), FIXED_LENGTH);
    } else {
      this.#places.set(buffer, { holder: place, key: BUFFER_KEY, namedIn: place, name: ".buffer" });
      this.#buffer(buffer);
    }
  }

  #buffer(buffer: ArrayBuffer): void {
    const resizable = (buffer as { resizable?: boolean }).resizable === true;
    const maximum = resizable ? (buffer as { maxByteLength?: number }).maxByteLength : undefined;
    this.#bufferBytes(new Uint8Array(buffer), maximum ?? FIXED_LENGTH);
  }

  #bufferBytes(bytes: Uint8Array, maximumLength: number): void {
    const body = this.#body;
    body.u8(GuestTag.arrayBuffer);
    body.varint(bytes.length);
    body.varint(maximumLength);
    body.raw(bytes);
  }

  #string(value: string, out: ByteWriter): void {
    out.u8(GuestTag.string);
    out.string(value);
  }

  #key(key: string): void {
    const index = arrayIndex(key);
    // The lowest bit tells an array index from a name.
    if (index >= 0) return this.#body.varint(index * 2 + 1);
    let atom = this.#atoms.get(key);
    if (atom === undefined) {
      atom = this.#atoms.size + 1;
      this.#atoms.set(key, atom);
    }
    this.#body.varint(atom * 2);
  }

  // How a message names the members of what is encoded apart, e.g. ".values()[0]" of a Map.
  readonly #names = new WeakMap<readonly unknown[], string[]>();

  /** Leaves the place empty, encodes `values` under `data` and links the two. */
  #apart(kind: number, values: unknown[], place: Place, names: string[]): void {
    this.#link(place, kind);
    this.#links.push(this.#data.length);
    this.#names.set(values, names);
    const dataRoot: Place = { holder: undefined, key: 1, namedIn: undefined, name: "" };
    this.#data.push({
      values,
      place: { holder: dataRoot, key: this.#data.length, namedIn: place.namedIn, name: place.name },
    });
  }

  #link(place: Place, kind: number): void {
    this.#body.u8(GuestTag.null);
    this.#path(place);
    this.#links.push(kind);
  }

  #path(place: Place): void {
    const at = this.#links.length;
    this.#links.push(0);
    const keys: Key[] = [];
    for (let step: Place | undefined = place; step; step = step.holder) keys.push(step.key);
    this.#links[at] = keys.length;
    for (let index = keys.length - 1; index >= 0; index--) this.#links.push(keys[index] as Key);
  }

  #refusal(place: Place, what: string): SkepError {
    const names: string[] = [];
    for (let step: Place | undefined = place; step; step = step.namedIn) names.push(step.name);
    const path = names.reverse().join("");
    const subject = this.#rootName + (this.#single ? path.replace("[0]", "") : path);
    return new SkepError(
      "not-marshallable",
      `${subject} is ${what}, which cannot enter a sandbox. Pass data: plain objects, arrays, Map, Set, Date, ` +
        "RegExp, Error, BigInt, buffers and their like.",
    );
  }
}

const STANDARD_ERRORS = /*#__PURE__*/ new Set([
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
]);

/** What must not be mistaken for a plain object: things with a state that properties do not show. */
const REFUSED_TAGS = /*#__PURE__*/ new Set([
  "Promise",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "FinalizationRegistry",
  "SharedArrayBuffer",
  "MessagePort",
  "ReadableStream",
  "WritableStream",
  "TransformStream",
  "Symbol",
  "Generator",
  "AsyncGenerator",
  "WebAssembly.Module",
  "WebAssembly.Memory",
  "WebAssembly.Instance",
]);

/** The object's class by its internal slots where the platform lets us see them. */
function brandOf(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  if (value instanceof Map) return "Map";
  if (value instanceof Set) return "Set";
  if (value instanceof Date) return "Date";
  if (value instanceof RegExp) return "RegExp";
  if (value instanceof Error) return "Error";
  if (value instanceof ArrayBuffer) return "ArrayBuffer";
  if (value instanceof Number) return "Number";
  if (value instanceof String) return "String";
  if (value instanceof Boolean) return "Boolean";
  // For values of other realms (frames, node:vm) and for what is refused.
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return FOREIGN_BRANDS.has(tag) || REFUSED_TAGS.has(tag) ? tag : undefined;
}

const FOREIGN_BRANDS = /*#__PURE__*/ new Set([
  "Map",
  "Set",
  "Date",
  "RegExp",
  "Error",
  "ArrayBuffer",
  "Number",
  "String",
  "Boolean",
  "BigInt",
]);

function viewName(value: ArrayBufferView): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isShared(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}

function writeNumber(out: ByteWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    out.u8(GuestTag.int32);
    out.varint(((value << 1) ^ (value >> 31)) >>> 0);
  } else {
    out.u8(GuestTag.float64);
    out.f64(value);
  }
}

/** Two's complement bytes, least significant first, as few as keep the sign; none for zero. */
function writeBigInt(out: ByteWriter, value: bigint): void {
  out.u8(GuestTag.bigint);
  if (value === 0n) return out.varint(0);
  // Of -2^n it is one bit less that must fit, so the magnitude of ~value counts.
  const magnitude = value < 0n ? ~value : value;
  const hex = magnitude.toString(16);
  const bits = hex.length * 4 - Math.clz32(Number.parseInt(hex[0] ?? "0", 16)) + 28;
  const count = Math.floor(bits / 8) + 1;
  const digits = BigInt.asUintN(count * 8, value)
    .toString(16)
    .padStart(count * 2, "0");
  out.varint(count);
  for (let at = digits.length - 2; at >= 0; at -= 2)
    out.u8(Number.parseInt(digits.slice(at, at + 2), 16));
}

const LARGEST_INDEX = 0x7fff_ffff;

/** The index a canonical array index stands for, else -1. */
function arrayIndex(key: string): number {
  const first = key.charCodeAt(0);
  if (!(first >= 0x30 && first <= 0x39) || key.length > 10) return -1;
  const index = Number(key);
  return index <= LARGEST_INDEX && String(index) === key ? index : -1;
}

/** How a path names a property: `.name`, or `["any text"]`. */
function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
