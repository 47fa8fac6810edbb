/**
 * The sandbox's memory as the engine lays it out, read from outside like a debugger would. No guest
 * code runs and no engine code either: getters, proxies, `toJSON` and replaced intrinsics have no
 * say in it, and what an object is comes from the engine's class number, not from what the guest
 * says it is.
 *
 * The memory is the guest's, so nothing read from it is trusted further than what it is used for:
 * reads outside the memory yield zeros or throw.
 */
import { narrowString, wideString } from "../../protocol/strings.ts";
import {
  ATOM_INDEX_BIT,
  ATOM_TYPE_SHIFT,
  DOUBLE_OFFSET,
  FAST_ARRAY_FLAG,
  FIRST_TAG,
  LAST_TAG,
  ObjectLayout,
  PROPERTY_FLAGS_SHIFT,
  PropertyFlag,
  ReferenceLayout,
  RopeLayout,
  RuntimeLayout,
  ShapeLayout,
  StringLayout,
  Tag,
  VALUE_BYTES,
  WIDE_BIT,
} from "./heap-layout.ts";

/** An own property: its name and the address of its value. */
export interface Member {
  name: string;
  address: number;
  /** What it is when it has no value that could be read. */
  lacks: string | undefined;
}

/** Reads values of one sandbox. Lives as long as the sandbox; holds nothing between reads. */
export class HeapReader {
  readonly #memory: WebAssembly.Memory;
  #runtime = 0;
  #words = new Uint32Array(0);
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Where the engine's runtime is: atoms are looked up there. */
  set runtime(address: number) {
    this.#runtime = address;
  }

  /** Takes new views when the memory has grown. Call before reading after any entry into the engine. */
  refresh(): void {
    // Growth detaches the old buffer, which empties its views; asking the memory costs far more.
    if (this.#bytes.length > 0) return;
    const { buffer } = this.#memory;
    this.#words = new Uint32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** The whole memory. Take it anew after any entry into the engine. */
  get bytes(): Uint8Array {
    this.refresh();
    return this.#bytes;
  }

  /** The whole memory in words. Take it anew after any entry into the engine. */
  get words(): Uint32Array {
    this.refresh();
    return this.#words;
  }

  word(address: number): number {
    return this.#words[address >>> 2] ?? 0;
  }

  /** The upper word of the value at `address`: compare with {@link Tag}. */
  tag(address: number): number {
    return this.word(address + 4) | 0;
  }

  /** The address an object, string or bigint value points to. */
  pointer(address: number): number {
    return this.word(address);
  }

  classId(object: number): number {
    return this.word(object + 4) >>> 16;
  }

  /** The text of a string or rope value, at most `maximum` code units of it. */
  text(address: number, maximum: number): string {
    const parts: string[] = [];
    let left = maximum;
    this.eachLeaf(address, (string) => {
      const part = this.string(string, left);
      parts.push(part);
      left -= part.length;
      return left > 0;
    });
    return parts.join("");
  }

  /** Visits the flat strings a string value consists of, left to right, until told to stop. */
  eachLeaf(address: number, visit: (string: number) => boolean): void {
    const pending = [address];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const pointer = this.pointer(next);
      if (this.tag(next) === Tag.rope)
        pending.push(pointer + RopeLayout.right, pointer + RopeLayout.left);
      else if (!visit(pointer)) return;
    }
  }

  /** The code units of a flat string. */
  string(pointer: number, maximum: number = Number.POSITIVE_INFINITY): string {
    const header = this.word(pointer + StringLayout.lengthAndWide);
    const count = Math.min(header & ~WIDE_BIT, maximum);
    const at = pointer + StringLayout.data;
    return header & WIDE_BIT
      ? wideString(this.#bytes, at, count)
      : narrowString(this.#bytes, at, count);
  }

  /** The bytes from `address` on; they change with the next entry into the engine. */
  slice(address: number, count: number): Uint8Array {
    if (address + count > this.#bytes.length)
      throw new RangeError("A guest value lies outside its memory.");
    return this.#bytes.subarray(address, address + count);
  }

  /** The number in a value that is one, else NaN. */
  number(address: number): number {
    const upper = this.tag(address);
    if (upper === Tag.int) return this.word(address) | 0;
    if (upper >= FIRST_TAG && upper <= LAST_TAG) return Number.NaN;
    scratchView.setUint32(0, this.word(address), true);
    scratchView.setUint32(4, (upper + DOUBLE_OFFSET) >>> 0, true);
    return scratchView.getFloat64(0, true);
  }

  float64(address: number): number {
    return this.#view.getFloat64(address, true);
  }

  /** The name an atom stands for; undefined for symbols. */
  atomName(atom: number): string | undefined {
    if ((atom & ATOM_INDEX_BIT) !== 0) return String(atom & ~ATOM_INDEX_BIT);
    const string = this.word(this.word(this.#runtime + RuntimeLayout.atomArray) + atom * 4);
    if (this.word(string + StringLayout.hashAndType) >>> ATOM_TYPE_SHIFT !== 1) return undefined;
    return this.string(string);
  }

  /**
   * The address of a data property's value, looked up along the prototype chain without running
   * anything; 0 when there is none or it is an accessor. With `most` 1 it must be the object's own.
   */
  findData(object: number, name: string, most: number = LONGEST_CHAIN): number {
    for (let at = object, left = most; at !== 0 && left > 0; left--) {
      const shape = this.word(at + ObjectLayout.shape);
      const count = this.word(shape + ShapeLayout.count);
      for (let index = 0; index < count; index++) {
        const entry = shape + ShapeLayout.properties + index * ShapeLayout.propertyBytes;
        const atom = this.word(entry + 4);
        if (atom === 0 || this.atomName(atom) !== name) continue;
        const kind = (this.word(entry) >>> PROPERTY_FLAGS_SHIFT) & PropertyFlag.kindMask;
        return kind === 0 ? this.word(at + ObjectLayout.properties) + index * VALUE_BYTES : 0;
      }
      at = this.word(shape + ShapeLayout.prototype);
    }
    return 0;
  }

  /** The own enumerable properties with names, in order; elements of fast arrays are none. */
  members(object: number): Member[] {
    const shape = this.word(object + ObjectLayout.shape);
    const properties = this.word(object + ObjectLayout.properties);
    const count = this.word(shape + ShapeLayout.count);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const entry = shape + ShapeLayout.properties + index * ShapeLayout.propertyBytes;
      const atom = this.word(entry + 4);
      const flags = this.word(entry) >>> PROPERTY_FLAGS_SHIFT;
      if (atom === 0 || (flags & PropertyFlag.enumerable) === 0) continue;
      const name = this.atomName(atom);
      if (name === undefined) continue;
      const slot = properties + index * VALUE_BYTES;
      const kind = flags & PropertyFlag.kindMask;
      if (kind === 0) members.push({ name, address: slot, lacks: undefined });
      else if (kind === PropertyFlag.reference) {
        const address = this.word(this.word(slot) + ReferenceLayout.value);
        members.push({ name, address, lacks: undefined });
      } else {
        const lacks =
          kind === PropertyFlag.accessor
            ? "an accessor property"
            : "a property the engine has not made yet";
        members.push({ name, address: 0, lacks });
      }
    }
    return members;
  }

  /** Whether the object is a fast array: its elements are values without holes. */
  isFast(object: number): boolean {
    return ((this.#bytes[object + ObjectLayout.flags] ?? 0) & FAST_ARRAY_FLAG) !== 0;
  }
}

/** Prototype chains are short; a bound keeps a forged cycle from holding us. */
const LONGEST_CHAIN = 64;

const scratchView: DataView = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

/** An error's text property, as far as it is a string without running anything. */
export function errorText(
  heap: HeapReader,
  object: number,
  name: string,
  otherwise: string,
): string {
  const address = heap.findData(object, name);
  if (address === 0) return otherwise;
  const tag = heap.tag(address);
  if (tag !== Tag.string && tag !== Tag.rope) return otherwise;
  return heap.text(address, MAXIMUM_ERROR_TEXT);
}

/** Code units of a name, message or stack that come out: a stack can be as long as the heap. */
export const MAXIMUM_ERROR_TEXT = 16_384;
