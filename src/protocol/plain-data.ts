/**
 * Plain data as bytes, for control messages between machines: what JSON has, and `undefined`, all
 * numbers, bytes and maps. Both ends need nothing of the platform for it, and both are bounded.
 */
import { type ByteReader, type ByteWriter, MalformedBytesError } from "./bytes.ts";

const TAGS = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  number: 4,
  count: 5,
  string: 6,
  bytes: 7,
  list: 8,
  record: 9,
  map: 10,
} as const;

/** Deeper data would be more than a recursion over it can take. */
const MAXIMUM_DEPTH = 64;

/** Writes plain data. Throws a `TypeError` for what is none, or is nested too deeply. */
export function writePlain(writer: ByteWriter, value: unknown, depth: number = 0): void {
  if (depth > MAXIMUM_DEPTH) throw new TypeError("Plain data must not be nested so deeply.");
  if (value === undefined) writer.u8(TAGS.undefined);
  else if (value === null) writer.u8(TAGS.null);
  else if (typeof value === "boolean") writer.u8(value ? TAGS.true : TAGS.false);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (typeof value === "string") {
    writer.u8(TAGS.string);
    writer.string(value);
  } else if (value instanceof Uint8Array) {
    writer.u8(TAGS.bytes);
    writer.block(value);
  } else if (Array.isArray(value)) {
    writer.u8(TAGS.list);
    writer.varint(value.length);
    for (const part of value as unknown[]) writePlain(writer, part, depth + 1);
  } else if (value instanceof Map) {
    writer.u8(TAGS.map);
    writer.varint(value.size);
    for (const [key, part] of value as Map<unknown, unknown>) {
      writePlain(writer, key, depth + 1);
      writePlain(writer, part, depth + 1);
    }
  } else if (typeof value === "object") writeRecord(writer, value, depth);
  else throw new TypeError(`A ${typeof value} is no plain data.`);
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
    writer.u8(TAGS.count);
    writer.varint(value);
  } else {
    writer.u8(TAGS.number);
    writer.f64(value);
  }
}

function writeRecord(writer: ByteWriter, value: object, depth: number): void {
  const entries = Object.entries(value);
  writer.u8(TAGS.record);
  writer.varint(entries.length);
  for (const [key, part] of entries) {
    writer.string(key);
    writePlain(writer, part, depth + 1);
  }
}

/** Reads plain data, of which nothing shares memory with the bytes. Throws {@link MalformedBytesError}. */
export function readPlain(reader: ByteReader, depth: number = 0): unknown {
  if (depth > MAXIMUM_DEPTH) throw new MalformedBytesError("Data is nested too deeply.");
  const tag = reader.u8();
  switch (tag) {
    case TAGS.undefined:
      return undefined;
    case TAGS.null:
      return null;
    case TAGS.false:
      return false;
    case TAGS.true:
      return true;
    case TAGS.number:
      return reader.f64();
    case TAGS.count:
      return reader.varint();
    case TAGS.string:
      return reader.string();
    case TAGS.bytes:
      return reader.block().slice();
    case TAGS.list:
      return readList(reader, depth);
    case TAGS.record:
      return readRecord(reader, depth);
    case TAGS.map:
      return readMap(reader, depth);
    default:
      throw new MalformedBytesError(`There is no data of kind ${tag}.`);
  }
}

function readList(reader: ByteReader, depth: number): unknown[] {
  const list: unknown[] = [];
  for (let left = readCount(reader); left > 0; left--) list.push(readPlain(reader, depth + 1));
  return list;
}

function readRecord(reader: ByteReader, depth: number): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let left = readCount(reader); left > 0; left--) {
    const key = reader.string();
    const value = readPlain(reader, depth + 1);
    // An assignment to "__proto__" would be something else.
    Object.defineProperty(record, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return record;
}

function readMap(reader: ByteReader, depth: number): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let left = readCount(reader); left > 0; left--) {
    const key = readPlain(reader, depth + 1);
    map.set(key, readPlain(reader, depth + 1));
  }
  return map;
}

/** Every part takes a byte at least, so that a count cannot promise more than was sent. */
function readCount(reader: ByteReader): number {
  const count = reader.varint();
  if (count <= reader.bytes.length - reader.at) return count;
  throw new MalformedBytesError("The bytes end early.");
}
