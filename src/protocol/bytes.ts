/** Growing and reading byte sequences: the ground the wire and the value forms stand on. */

const INITIAL_CAPACITY = 1024;
/** Up to here a loop copies faster than a call of `set()`. */
const SHORT_BYTES = 32;

/**
 * An append-only byte buffer. Multi-byte numbers are little-endian; `varint` is unsigned LEB128.
 * Cleared and reused, so that steady traffic does not allocate.
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
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
    while (value >= 0x80) {
      this.u8((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.u8(value);
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

  /** A varint count, then the bytes. */
  block(source: Uint8Array): void {
    this.varint(source.length);
    this.raw(source);
  }

  /** A string, exact to the last lone surrogate: latin1 where it fits, else UTF-16. */
  string(value: string): void {
    const wide = isWide(value);
    this.varint(value.length * 2 + (wide ? 1 : 0));
    this.stringUnits(value, wide);
  }

  /** The code units alone, one or two bytes each. */
  stringUnits(value: string, wide: boolean): void {
    const count = value.length;
    this.reserve(wide ? count * 2 : count);
    const { bytes } = this;
    let at = this.length;
    if (wide) {
      for (let index = 0; index < count; index++) {
        const unit = value.charCodeAt(index);
        bytes[at++] = unit & 0xff;
        bytes[at++] = unit >> 8;
      }
    } else {
      for (let index = 0; index < count; index++) bytes[at++] = value.charCodeAt(index);
    }
    this.length = at;
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const copy = this.bytes.slice(0, this.length);
    this.length = 0;
    return copy;
  }
}

/** Whether any code unit needs two bytes. */
function isWide(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    if (value.charCodeAt(index) > 0xff) return true;
  }
  return false;
}

/** Thrown when bytes end early or say something impossible. */
export class MalformedBytesError extends Error {
  override name = "MalformedBytesError";
}

// Beyond this many characters the platform's decoder beats a loop of fromCharCode.
const DECODER_THRESHOLD = 24;
// "latin1" means windows-1252 to TextDecoder, so narrow strings go through UTF-16 as well.
const utf16 = new TextDecoder("utf-16le", { ignoreBOM: true });

/** Reads what {@link ByteWriter} wrote. Every read checks its bounds. */
export class ByteReader {
  at = 0;
  #lazyView: DataView | undefined;

  constructor(readonly bytes: Uint8Array) {}

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
    let value = 0;
    let scale = 1;
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

  string(): string {
    const header = this.varint();
    return this.stringUnits(Math.floor(header / 2), header % 2 === 1);
  }

  stringUnits(count: number, wide: boolean): string {
    const at = this.advance(wide ? count * 2 : count);
    return wide ? wideString(this.bytes, at, count) : narrowString(this.bytes, at, count);
  }
}

/** `count` one-byte code units at `at`. */
export function narrowString(bytes: Uint8Array, at: number, count: number): string {
  if (count <= DECODER_THRESHOLD) {
    let text = "";
    for (let index = at; index < at + count; index++)
      text += String.fromCharCode(bytes[index] ?? 0);
    return text;
  }
  const units = new Uint16Array(count);
  for (let index = 0; index < count; index++) units[index] = bytes[at + index] ?? 0;
  return decodeUnits(units);
}

/** `count` two-byte code units at `at`, lone surrogates kept. */
export function wideString(bytes: Uint8Array, at: number, count: number): string {
  const units = new Uint16Array(count);
  for (let index = 0, from = at; index < count; index++, from += 2) {
    units[index] = (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8);
  }
  return decodeUnits(units);
}

const UNITS_PER_CALL = 4096;

function decodeUnits(units: Uint16Array): string {
  // TextDecoder replaces lone surrogates; it serves strings that have none, which is most.
  if (!hasSurrogate(units)) return utf16.decode(units);
  let text = "";
  for (let at = 0; at < units.length; at += UNITS_PER_CALL) {
    text += String.fromCharCode(...units.subarray(at, at + UNITS_PER_CALL));
  }
  return text;
}

function hasSurrogate(units: Uint16Array): boolean {
  for (const unit of units) if (unit >= 0xd800 && unit <= 0xdfff) return true;
  return false;
}
