/** Growing and reading byte sequences: the ground the wire and the value forms stand on. */
import { NO_BUFFERS, type Payload } from "./payload.ts";
import { narrowString, wideString } from "./strings.ts";

const INITIAL_CAPACITY = 1024;
/** Up to here a loop copies faster than a call of `set()`. */
const SHORT_BYTES = 48;
/** From here on the platform's encoder beats a loop, though it has to be asked what it did. */
const LONG_TEXT = 256;
const utf8 = /*#__PURE__*/ new TextEncoder();
const MAXIMUM_VARINT = 8;

/**
 * An append-only byte buffer. Multi-byte numbers are little-endian; `varint` is unsigned LEB128.
 * Cleared and reused, so that steady traffic does not allocate.
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  /** What goes beside the bytes. */
  buffers: ArrayBuffer[] | undefined;
  #view: DataView;

  constructor(capacity: number = INITIAL_CAPACITY) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Unsigned LEB128 of an integer below 2^53. */
  varint(value: number): void {
    if (value < 0x80) {
      this.u8(value);
      return;
    }
    this.reserve(MAXIMUM_VARINT);
    const { bytes } = this;
    let at = this.length;
    while (value >= 0x80) {
      bytes[at++] = (value & 0x7f) | 0x80;
      // Shifting would lose what is above 32 bits.
      value = value < 0x8000_0000 ? value >>> 7 : Math.floor(value / 0x80);
    }
    bytes[at++] = value;
    this.length = at;
  }

  /** Writes an integer where one byte was left for it, and makes room for it if it takes more. */
  varintAt(at: number, value: number): void {
    if (value < 0x80) {
      this.bytes[at] = value;
      return;
    }
    const after = this.bytes.slice(at + 1, this.length);
    this.length = at;
    this.varint(value);
    this.raw(after);
  }

  /** The bytes as they are, without their count. */
  raw(source: Uint8Array): void {
    const count = source.length;
    this.reserve(count);
    const { bytes, length } = this;
    if (count > SHORT_BYTES) bytes.set(source, length);
    else for (let index = 0; index < count; index++) bytes[length + index] = source[index] ?? 0;
    this.length = length + count;
  }

  /** `count` bytes of a larger whole, e.g. a sandbox's memory. */
  range(source: Uint8Array, from: number, count: number): void {
    if (count > SHORT_BYTES) {
      if (from + count > source.length) throw new RangeError("Bytes lie outside their memory.");
      this.raw(source.subarray(from, from + count));
      return;
    }
    this.reserve(count);
    const { bytes, length } = this;
    for (let index = 0; index < count; index++) bytes[length + index] = source[from + index] ?? 0;
    this.length = length + count;
  }

  /** A leading byte and a signed 32-bit integer in as few bytes as hold it. */
  zigzag(lead: number, value: number): void {
    const folded = ((value << 1) ^ (value >> 31)) >>> 0;
    if (folded >= 0x80) {
      this.u8(lead);
      this.varint(folded);
      return;
    }
    this.reserve(2);
    const { bytes, length } = this;
    bytes[length] = lead;
    bytes[length + 1] = folded;
    this.length = length + 2;
  }

  /** A varint count, then the bytes. */
  block(source: Uint8Array): void {
    this.varint(source.length);
    this.raw(source);
  }

  /** A string, exact to the last lone surrogate: latin1 where it fits, else UTF-16. */
  string(value: string): void {
    const start = this.length;
    const count = value.length;
    if (start + count + MAXIMUM_VARINT > this.bytes.length) this.reserve(count + MAXIMUM_VARINT);
    if (count < 0x40) this.bytes[this.length++] = count * 2;
    else this.varint(count * 2);
    if (count >= LONG_TEXT) {
      const at = this.length;
      const { read, written } = utf8.encodeInto(value, this.bytes.subarray(at, at + count));
      if (read === count && written === count) {
        this.length = at + count;
        return;
      }
    }
    const { bytes } = this;
    let at = this.length;
    for (let index = 0; index < count; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0xff) {
        // Most strings are narrow: it is cheaper to find out here than to look first.
        this.length = start;
        this.varint(count * 2 + 1);
        this.stringUnits(value, true);
        return;
      }
      bytes[at++] = unit;
    }
    this.length = at;
  }

  /** The code units alone, one or two bytes each. */
  stringUnits(value: string, wide: boolean): void {
    const count = value.length;
    this.reserve(wide ? count * 2 : count);
    const { bytes } = this;
    let at = this.length;
    for (let index = 0; index < count; index++) {
      const unit = value.charCodeAt(index);
      bytes[at++] = unit & 0xff;
      if (wide) bytes[at++] = unit >> 8;
    }
    this.length = at;
  }

  /** A payload: its bytes as a block, its buffers beside. */
  payload({ bytes, buffers }: Payload): void {
    this.block(bytes);
    this.varint(buffers.length);
    for (const buffer of buffers) this.beside(buffer);
  }

  /** Has a buffer go along; who reads meets it in the same order. */
  beside(buffer: ArrayBuffer): void {
    (this.buffers ??= []).push(buffer);
  }

  /** What was written, as a view: valid until the writer is used again. */
  get written(): Payload {
    return { bytes: this.bytes.subarray(0, this.length), buffers: this.buffers ?? NO_BUFFERS };
  }

  /** A copy of the bytes written; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const copy = this.bytes.slice(0, this.length);
    this.clear();
    return copy;
  }

  /** As {@link take}, with the buffers that go along. */
  takePayload(): Payload {
    const buffers = this.buffers ?? NO_BUFFERS;
    return { bytes: this.take(), buffers };
  }

  clear(): void {
    this.length = 0;
    this.buffers = undefined;
  }
}

/** Thrown when bytes end early or say something impossible. */
export class MalformedBytesError extends Error {
  override name = "MalformedBytesError";
}

/** Reads what {@link ByteWriter} wrote. Every read checks its bounds. */
export class ByteReader {
  at = 0;
  #lazyView: DataView | undefined;

  /** How many of the buffers were read. */
  #buffersRead = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly buffers: readonly ArrayBuffer[] = NO_BUFFERS,
  ) {}

  /** Made when it is needed: most readers read a few bytes and are gone. */
  get #view(): DataView {
    const { bytes } = this;
    this.#lazyView ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#lazyView;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new MalformedBytesError("The bytes end early.");
    return value;
  }

  u32(): number {
    const at = this.advance(4);
    return this.#view.getUint32(at, true);
  }

  f64(): number {
    const at = this.advance(8);
    return this.#view.getFloat64(at, true);
  }

  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 0x80;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
      if (scale > Number.MAX_SAFE_INTEGER) throw new MalformedBytesError("A count is too large.");
    }
  }

  /** Skips `count` bytes and returns where they start. */
  advance(count: number): number {
    const at = this.at;
    if (count > this.bytes.length - at) throw new MalformedBytesError("The bytes end early.");
    this.at = at + count;
    return at;
  }

  /** A view, not a copy. */
  block(): Uint8Array {
    const count = this.varint();
    const at = this.advance(count);
    return this.bytes.subarray(at, at + count);
  }

  payload(): Payload {
    const bytes = this.block();
    const count = this.varint();
    if (count === 0) return { bytes, buffers: NO_BUFFERS };
    const end = this.#buffersRead + count;
    if (end > this.buffers.length) throw new MalformedBytesError("A buffer is missing.");
    const buffers = this.buffers.slice(this.#buffersRead, end);
    this.#buffersRead = end;
    return { bytes, buffers };
  }

  /** The next of the buffers that went along. */
  beside(): ArrayBuffer {
    const buffer = this.buffers[this.#buffersRead++];
    if (buffer === undefined) throw new MalformedBytesError("A buffer is missing.");
    return buffer;
  }

  string(): string {
    const header = this.varint();
    return this.stringUnits(Math.floor(header / 2), header % 2 === 1);
  }

  stringUnits(count: number, wide: boolean): string {
    const at = this.advance(wide ? count * 2 : count);
    return wide ? wideString(this.bytes, at, count) : narrowString(this.bytes, at, count);
  }
}
