/**
 * Guest values on their way out. The worker reads them out of the sandbox's memory (see
 * `guest/marshal/heap-reader.ts`) and writes this form; here the parent builds host values of it.
 * Only data comes out: no guest code has run for it, and nothing in it is callable.
 */
import type { GuestErrorFields } from "../../errors.ts";
import { ByteReader, MalformedBytesError } from "../bytes.ts";
import { NO_BUFFERS } from "../payload.ts";
import { FIXED_LENGTH, TYPED_ARRAYS } from "./guest-format.ts";
import { maximumLength } from "./guest-leaves.ts";
import { ErrorPart, OutboundTag } from "./outbound-format.ts";
import { UnrepresentableError } from "./unrepresentable.ts";

/**
 * Decodes a guest's value. The buffers beside the bytes become part of it.
 *
 * @throws MalformedBytesError when the bytes are not what a worker writes.
 * @throws UnrepresentableError when they are, but this platform cannot build the value.
 */
export function decodeValue(
  bytes: Uint8Array,
  buffers: readonly ArrayBuffer[] = NO_BUFFERS,
): unknown {
  return new OutboundDecoder(bytes, buffers).value();
}

/**
 * Decodes what a guest wrote to its console. Errors keep names of their own, which no cloned error
 * has; what cannot cross becomes what `describe` makes of its description.
 *
 * @throws MalformedBytesError when the bytes are not what a worker writes.
 * @throws UnrepresentableError when they are, but this platform cannot build the value.
 */
export function decodeConsole(bytes: Uint8Array, describe: (text: string) => unknown): unknown {
  return new OutboundDecoder(bytes, NO_BUFFERS, describe).value();
}

/**
 * Decodes what a guest threw: name, message, stack, the thrown value's data, then 1 and the cause
 * in the same form, or 2 and a cause that is a plain value, or 0.
 *
 * @throws MalformedBytesError when the bytes are not what a worker writes.
 * @throws UnrepresentableError when they are, but this platform cannot build the value.
 */
export function decodeThrown(bytes: Uint8Array): GuestErrorFields {
  return new OutboundDecoder(bytes, NO_BUFFERS).thrown();
}

class OutboundDecoder {
  readonly #reader: ByteReader;
  readonly #objects: unknown[] = [];
  readonly #shapes: string[][] = [];

  /** Given for console lines only. */
  readonly #describe: ((text: string) => unknown) | undefined;

  constructor(
    bytes: Uint8Array,
    buffers: readonly ArrayBuffer[],
    describe?: (text: string) => unknown,
  ) {
    this.#reader = new ByteReader(bytes, buffers);
    this.#describe = describe;
  }

  thrown(): GuestErrorFields {
    const reader = this.#reader;
    const name = reader.string();
    const message = reader.string();
    const stack = reader.string();
    const data = this.value() as Record<string, unknown>;
    const fields: GuestErrorFields = { name, message, stack, data };
    const causeKind = reader.u8();
    if (causeKind === 1) fields.cause = causeError(this.thrown());
    else if (causeKind === 2) fields.cause = this.value();
    return fields;
  }

  value(): unknown {
    const reader = this.#reader;
    const tag = reader.u8();
    switch (tag) {
      case OutboundTag.undefined:
        return undefined;
      case OutboundTag.null:
        return null;
      case OutboundTag.false:
        return false;
      case OutboundTag.true:
        return true;
      case OutboundTag.int32: {
        const zigzag = reader.varint();
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
      case OutboundTag.float64:
        return reader.f64();
      case OutboundTag.string:
        return reader.string();
      case OutboundTag.description: {
        const text = reader.string();
        return this.#describe ? this.#describe(text) : text;
      }
      case OutboundTag.bigint:
        return this.#bigint();
      case OutboundTag.same:
        return this.#known(reader.varint());
      case OutboundTag.object: {
        const count = reader.varint();
        const keys: string[] = [];
        for (let index = 0; index < count; index++) keys.push(reader.string());
        this.#shapes.push(keys);
        return this.#object(keys);
      }
      case OutboundTag.shapedObject: {
        const keys = this.#shapes[reader.varint()];
        if (!keys) throw new MalformedBytesError("An object has an unknown shape.");
        return this.#object(keys);
      }
      case OutboundTag.array:
        return this.#array();
      case OutboundTag.apart:
        return decodeValue(reader.block());
      default:
        return this.#exotic(tag);
    }
  }

  #object(keys: string[]): object {
    const object: Record<string, unknown> = {};
    this.#objects.push(object);
    for (const key of keys) {
      // Assigning to __proto__ would change the prototype; here it is a name like any other.
      if (key === "__proto__") defineOwn(object, key, this.value());
      else object[key] = this.value();
    }
    return object;
  }

  #array(): unknown[] {
    const length = this.#reader.varint();
    if (length > this.#reader.bytes.length) throw new MalformedBytesError("An array is too long.");
    const array: unknown[] = [];
    this.#objects.push(array);
    for (let index = 0; index < length; index++) array.push(this.value());
    return array;
  }

  #exotic(tag: number): unknown {
    const reader = this.#reader;
    switch (tag) {
      case OutboundTag.sparseArray: {
        const array = this.#keep(emptyArray(reader.varint()));
        for (let left = reader.varint(); left > 0; left--)
          defineOwn(array, reader.string(), this.value());
        return array;
      }
      case OutboundTag.date:
        return this.#keep(new Date(reader.f64()));
      case OutboundTag.regexp:
        return this.#keep(this.#regexp());
      case OutboundTag.map: {
        const map = this.#keep(new Map<unknown, unknown>());
        for (let left = this.#entries("Map"); left > 0; left--) {
          const key = this.value();
          map.set(key, this.value());
        }
        return map;
      }
      case OutboundTag.set: {
        const set = this.#keep(new Set<unknown>());
        for (let left = this.#entries("Set"); left > 0; left--) set.add(this.value());
        return set;
      }
      case OutboundTag.error:
        return this.#error();
      case OutboundTag.arrayBuffer:
        return this.#buffer();
      case OutboundTag.besideBuffer:
        return this.#keep(reader.beside());
      case OutboundTag.typedArray: {
        const name = TYPED_ARRAYS[reader.u8()];
        const byteOffset = reader.varint();
        const length = reader.varint();
        return this.#viewed((buffer) => typedArray(name, buffer, byteOffset, length - 1));
      }
      case OutboundTag.dataView: {
        const byteOffset = reader.varint();
        const length = reader.varint();
        return this.#viewed((buffer) => viewOf(DataView, buffer, byteOffset, length - 1));
      }
      case OutboundTag.boxed: {
        const at = this.#objects.push(undefined) - 1;
        return (this.#objects[at] = Object(this.value()));
      }
      default:
        throw new MalformedBytesError(`No value has the tag ${tag}.`);
    }
  }

  #keep<Kept>(object: Kept): Kept {
    this.#objects.push(object);
    return object;
  }

  #known(index: number): unknown {
    if (index >= this.#objects.length) throw new MalformedBytesError("A reference leads nowhere.");
    return this.#objects[index];
  }

  /** How many entries a collection has, if it can have as many. */
  #entries(kind: string): number {
    const count = this.#reader.varint();
    if (count > this.#reader.bytes.length) throw new MalformedBytesError(`A ${kind} is too long.`);
    if (count <= MOST_ENTRIES) return count;
    throw new UnrepresentableError(`This platform has no room for a ${kind} of ${count} entries.`);
  }

  #bigint(): bigint {
    const bytes = this.#reader.block();
    let digits = "";
    for (let index = bytes.length - 1; index >= 0; index--) {
      digits += (bytes[index] ?? 0).toString(16).padStart(2, "0");
    }
    return digits === "" ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${digits}`));
  }

  #regexp(): RegExp {
    const source = this.#reader.string();
    const flags = this.#reader.string();
    try {
      return new RegExp(source, flags);
    } catch (cause) {
      const shown = source.length > 100 ? `${source.slice(0, 100)}…` : source;
      throw new UnrepresentableError(
        `This platform does not know the expression /${shown}/${flags}.`,
        { cause },
      );
    }
  }

  #error(): Error {
    const reader = this.#reader;
    const name = reader.string();
    const message = reader.string();
    const stack = reader.string();
    const parts = reader.u8();
    const ErrorClass = ERROR_CLASSES[name] ?? Error;
    const error = (parts & ErrorPart.noMessage) === 0 ? new ErrorClass(message) : new ErrorClass();
    this.#objects.push(error);
    if (this.#describe && error.name !== name) defineOwn(error, "name", name, false);
    defineOwn(error, "stack", stack, false);
    if ((parts & ErrorPart.cause) !== 0) defineOwn(error, "cause", this.value(), false);
    return error;
  }

  #buffer(): ArrayBuffer {
    const bytes = this.#reader.block();
    const maximum = this.#reader.varint();
    const options = maximum > 0 ? { maxByteLength: maximum - 1 } : undefined;
    const Resizable = ArrayBuffer as new (
      length: number,
      options?: { maxByteLength: number },
    ) => ArrayBuffer;
    let buffer: ArrayBuffer;
    try {
      buffer = new Resizable(bytes.length, options);
    } catch (cause) {
      const most = maximum > 0 ? ` that may grow to ${maximum - 1}` : "";
      throw new UnrepresentableError(
        `This platform has no room for a buffer of ${bytes.length} bytes${most}.`,
        { cause },
      );
    }
    new Uint8Array(buffer).set(bytes);
    return this.#keep(buffer);
  }

  #viewed(make: (buffer: ArrayBuffer) => ArrayBufferView): ArrayBufferView {
    // The view is counted before its buffer, as the worker met it first.
    const at = this.#objects.push(undefined) - 1;
    const buffer = this.value();
    if (!(buffer instanceof ArrayBuffer)) throw new MalformedBytesError("A view lacks its buffer.");
    const view = make(buffer);
    this.#objects[at] = view;
    return view;
  }
}

/** What V8's Map and Set hold; other engines hold more. */
const MOST_ENTRIES = 2 ** 24;

const ERROR_CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  // Without a prototype "constructor" would be found.
  __proto__: null as never,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * An array of holes. A large one is made to keep its elements in a table: V8 would set aside eight
 * bytes for each hole, so that a few bytes of a guest's could fill the host's memory.
 */
function emptyArray(length: number): unknown[] {
  const array: unknown[] = [];
  if (length > MOST_HOLES_IN_ROW) {
    array[LAST_INDEX] = undefined;
    array.length = LAST_INDEX;
  }
  array.length = length;
  return array;
}

const MOST_HOLES_IN_ROW = 1_000;
const LAST_INDEX = 2 ** 32 - 2;

interface ViewClass {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): ArrayBufferView;
  new (buffer: ArrayBuffer, byteOffset: number): ArrayBufferView;
  readonly BYTES_PER_ELEMENT?: number;
}

function typedArray(
  name: string | undefined,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
): ArrayBufferView {
  const classes = globalThis as unknown as Record<string, ViewClass | undefined>;
  const View = name === undefined ? undefined : classes[name];
  if (View) return viewOf(View, buffer, byteOffset, length);
  // Float16Array is younger than some platforms; its bits are still the caller's to read.
  if (name === "Float16Array") return viewOf(Uint16Array, buffer, byteOffset, length);
  throw new MalformedBytesError("A view is of an unknown kind.");
}

/** A view, which follows its buffer's length when it has none of its own: -1. */
function viewOf(
  View: ViewClass,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
): ArrayBufferView {
  if (length >= 0) return new View(buffer, byteOffset, length);
  const elements = (buffer.byteLength - byteOffset) / (View.BYTES_PER_ELEMENT ?? 1);
  // Platforms differ on views that follow where part of an element is left over.
  const follows = Number.isInteger(elements) && maximumLength(buffer) !== FIXED_LENGTH;
  return follows
    ? new View(buffer, byteOffset)
    : new View(buffer, byteOffset, Math.floor(elements));
}

function causeError(fields: GuestErrorFields): Error {
  const error = new (ERROR_CLASSES[fields.name] ?? Error)(fields.message);
  if (error.name !== fields.name) defineOwn(error, "name", fields.name, false);
  defineOwn(error, "stack", fields.stack, false);
  if ("cause" in fields) defineOwn(error, "cause", fields.cause, false);
  if (Object.keys(fields.data).length > 0) defineOwn(error, "data", fields.data);
  return error;
}

function defineOwn(object: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable });
}
