/**
 * Guest values on their way out, read straight from the sandbox's memory, like a debugger would.
 * No guest code runs and no engine code either: getters, proxies, `toJSON` and replaced intrinsics
 * have no say in it, and what an object is comes from the engine's class number, not from what the
 * guest says it is.
 *
 * The memory is the guest's, so nothing read from it is trusted further than what it is used for:
 * reads outside the memory yield zeros or throw, depth and output bytes are bounded.
 */
import { type ByteWriter, narrowString, wideString } from "../../protocol/bytes.ts";
import { MAXIMUM_DEPTH } from "../../protocol/values/guest-format.ts";
import { OutboundTag } from "../../protocol/values/outbound.ts";
import {
  ATOM_INDEX_BIT,
  ATOM_TYPE_SHIFT,
  BigintLayout,
  BufferLayout,
  ClassId,
  className,
  DOUBLE_OFFSET,
  FAST_ARRAY_FLAG,
  FIRST_TAG,
  LAST_TAG,
  MAP_LIST_HEAD,
  MapLayout,
  MapRecordLayout,
  ObjectLayout,
  PROPERTY_FLAGS_SHIFT,
  PropertyFlag,
  ReferenceLayout,
  REGEXP_FLAGS,
  RopeLayout,
  RuntimeLayout,
  ShapeLayout,
  StringLayout,
  Tag,
  TYPED_ARRAY_SHIFTS,
  VALUE_BYTES,
  ViewLayout,
  WIDE_BIT,
} from "./heap-layout.ts";
import { tidyStack } from "./stack-text.ts";

/** A value that cannot leave the sandbox. */
export class RefusedValueError extends Error {
  override name = "RefusedValueError";
  constructor(
    readonly code: "not-marshallable" | "output-exceeded",
    message: string,
  ) {
    super(message);
  }
}

/** How a value is to be read. */
export interface ReadOptions {
  /** What the path of a refusal starts with, e.g. `result`. */
  root: string;
  /** The most bytes the value may take in outbound form. */
  maximumBytes: number;
  /** Describe what cannot cross (`[a function]`) instead of refusing the whole: for console lines. */
  describe?: boolean;
}

/** An own property: its name and the address of its value. */
export interface Member {
  name: string;
  address: number;
}

/** What is known of a shape: which properties cross, by index, and their names. */
interface ShapeNames {
  /** The number the shape has in the output, once it was written. */
  number: number;
  names: string[];
  indexes: number[];
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

  /**
   * Writes the value at `address`.
   *
   * @throws RefusedValueError naming the path and kind of what cannot cross.
   */
  write(address: number, writer: ByteWriter, options: ReadOptions): void {
    this.refresh();
    // Most results are numbers, booleans or nothing: no state is set up for those.
    const tag = this.tag(address);
    if (tag === Tag.int) {
      writer.u8(OutboundTag.int32);
      const value = this.word(address) | 0;
      writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    new HeapWalk(this, writer, options).value(address);
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
   * anything; 0 when there is none or it is an accessor.
   */
  findData(object: number, name: string): number {
    // Chains are short; a bound keeps a forged cycle from holding us.
    for (let at = object, left = 64; at !== 0 && left > 0; left--) {
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

  /** The own enumerable properties that are plain data, for thrown values. */
  ownData(object: number): Member[] {
    const shape = this.word(object + ObjectLayout.shape);
    const properties = this.word(object + ObjectLayout.properties);
    const count = this.word(shape + ShapeLayout.count);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const entry = shape + ShapeLayout.properties + index * ShapeLayout.propertyBytes;
      const atom = this.word(entry + 4);
      const flags = this.word(entry) >>> PROPERTY_FLAGS_SHIFT;
      if (
        atom === 0 ||
        (flags & PropertyFlag.enumerable) === 0 ||
        (flags & PropertyFlag.kindMask) !== 0
      )
        continue;
      const name = this.atomName(atom);
      if (name !== undefined) members.push({ name, address: properties + index * VALUE_BYTES });
    }
    return members;
  }

  /** Whether the object is a fast array: its elements are values without holes. */
  isFast(object: number): boolean {
    return ((this.#bytes[object + ObjectLayout.flags] ?? 0) & FAST_ARRAY_FLAG) !== 0;
  }
}

const scratchView: DataView = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

/** One walk over one value: the objects met, the shapes met, the path to where it is. */
class HeapWalk {
  readonly #heap: HeapReader;
  readonly #writer: ByteWriter;
  readonly #options: ReadOptions;
  readonly #start: number;
  readonly #objects = new Map<number, number>();
  readonly #shapes = new Map<number, ShapeNames>();
  #shapeCount = 0;
  readonly #path: (string | number)[] = [];

  constructor(heap: HeapReader, writer: ByteWriter, options: ReadOptions) {
    this.#heap = heap;
    this.#writer = writer;
    this.#options = options;
    this.#start = writer.length;
  }

  value(address: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const tag = heap.tag(address);
    switch (tag) {
      case Tag.int: {
        const value = heap.word(address) | 0;
        writer.u8(OutboundTag.int32);
        writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
        return;
      }
      case Tag.string:
      case Tag.rope:
        return this.#string(address);
      case Tag.object:
        return this.#object(heap.pointer(address));
      case Tag.bool:
        return writer.u8(heap.word(address) === 0 ? OutboundTag.false : OutboundTag.true);
      case Tag.null:
        return writer.u8(OutboundTag.null);
      case Tag.undefined:
        return writer.u8(OutboundTag.undefined);
      case Tag.shortBigint:
        writer.u8(OutboundTag.bigint);
        writer.varint(4);
        return writer.u32(heap.word(address));
      case Tag.bigint: {
        const pointer = heap.pointer(address);
        const count = heap.word(pointer + BigintLayout.limbs) * 4;
        this.#admit(count);
        writer.u8(OutboundTag.bigint);
        return writer.block(heap.slice(pointer + BigintLayout.data, count));
      }
      case Tag.symbol:
        return this.#refuse("a symbol");
      default:
        if (tag >= FIRST_TAG && tag <= LAST_TAG)
          return this.#refuse("an internal value of the engine");
        writer.u8(OutboundTag.float64);
        return writer.f64(heap.number(address));
    }
  }

  #object(object: number): void {
    const writer = this.#writer;
    const known = this.#objects.get(object);
    if (known !== undefined) {
      writer.u8(OutboundTag.same);
      writer.varint(known);
      return;
    }
    const classId = this.#heap.classId(object);
    if (!crosses(classId)) return this.#refuse(className(classId));
    if (this.#path.length > MAXIMUM_DEPTH) {
      throw new RefusedValueError(
        "output-exceeded",
        `${this.#options.root} is nested more than ${MAXIMUM_DEPTH} levels deep.`,
      );
    }
    this.#admit(0);
    this.#objects.set(object, this.#objects.size);
    if (classId === ClassId.object) this.#plain(object);
    else if (classId === ClassId.array) this.#array(object);
    else this.#special(object, classId);
  }

  /** An object of a class with a state of its own. */
  #special(object: number, classId: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    if (classId >= ClassId.firstTypedArray && classId <= ClassId.lastTypedArray) {
      return this.#typedArray(object, classId - ClassId.firstTypedArray);
    }
    switch (classId) {
      case ClassId.date:
        writer.u8(OutboundTag.date);
        return writer.f64(heap.number(object + ObjectLayout.data));
      case ClassId.map:
      case ClassId.set:
        return this.#collection(object, classId === ClassId.map);
      case ClassId.error:
        return this.#error(object);
      case ClassId.regexp:
        return this.#regexp(object);
      case ClassId.arrayBuffer:
        return this.#buffer(object);
      case ClassId.dataView: {
        const view = heap.word(object + ObjectLayout.data);
        writer.u8(OutboundTag.dataView);
        writer.varint(heap.word(view + ViewLayout.offset));
        writer.varint(heap.word(view + ViewLayout.length));
        return this.#at(".buffer", () => this.#object(heap.word(view + ViewLayout.buffer)));
      }
      case ClassId.number:
      case ClassId.string:
      case ClassId.boolean:
      case ClassId.bigint:
        writer.u8(OutboundTag.boxed);
        return this.value(object + ObjectLayout.data);
      default:
        return this.#plain(object);
    }
  }

  #plain(object: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    // `arguments` keeps its elements like an array does.
    if (heap.isFast(object))
      return this.#members(this.#elements(object).concat(this.#named(object)));
    const shapeAddress = heap.word(object + ObjectLayout.shape);
    const shape = this.#shapes.get(shapeAddress) ?? this.#learn(shapeAddress);
    if (!shape) return this.#members(this.#named(object));
    const { names, indexes } = shape;
    if (shape.number >= 0) {
      writer.u8(OutboundTag.shapedObject);
      writer.varint(shape.number);
    } else {
      shape.number = this.#shapeCount++;
      this.#names(names);
    }
    const properties = heap.word(object + ObjectLayout.properties);
    const path = this.#path;
    const depth = path.length;
    path.push("");
    for (let at = 0; at < indexes.length; at++) {
      path[depth] = names[at] ?? "";
      this.value(properties + (indexes[at] ?? 0) * VALUE_BYTES);
    }
    path.length = depth;
  }

  /** A shape of which every property that crosses is plain data; undefined for any other. */
  #learn(shape: number): ShapeNames | undefined {
    const heap = this.#heap;
    const count = heap.word(shape + ShapeLayout.count);
    const learned: ShapeNames = { number: -1, names: [], indexes: [] };
    for (let index = 0; index < count; index++) {
      const entry = shape + ShapeLayout.properties + index * ShapeLayout.propertyBytes;
      const atom = heap.word(entry + 4);
      const flags = heap.word(entry) >>> PROPERTY_FLAGS_SHIFT;
      if (atom === 0 || (flags & PropertyFlag.enumerable) === 0) continue;
      const name = heap.atomName(atom);
      if (name === undefined) continue;
      if ((flags & PropertyFlag.kindMask) !== 0) return undefined;
      learned.names.push(name);
      learned.indexes.push(index);
    }
    this.#shapes.set(shape, learned);
    return learned;
  }

  #members(members: Member[]): void {
    // Takes a shape number of its own, as the decoder counts one.
    this.#shapeCount++;
    this.#names(members.map((member) => member.name));
    for (const member of members) this.#at(member.name, () => this.value(member.address));
  }

  #names(names: string[]): void {
    this.#writer.u8(OutboundTag.object);
    this.#writer.varint(names.length);
    for (const name of names) this.#writer.string(name);
  }

  /** The own enumerable properties that are not elements. */
  #named(object: number): Member[] {
    const heap = this.#heap;
    const shape = heap.word(object + ObjectLayout.shape);
    const properties = heap.word(object + ObjectLayout.properties);
    const count = heap.word(shape + ShapeLayout.count);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const entry = shape + ShapeLayout.properties + index * ShapeLayout.propertyBytes;
      const atom = heap.word(entry + 4);
      const flags = heap.word(entry) >>> PROPERTY_FLAGS_SHIFT;
      if (atom === 0 || (flags & PropertyFlag.enumerable) === 0) continue;
      const name = heap.atomName(atom);
      if (name === undefined) continue;
      let address = properties + index * VALUE_BYTES;
      const kind = flags & PropertyFlag.kindMask;
      if (kind === PropertyFlag.reference) {
        address = heap.word(heap.word(address) + ReferenceLayout.value);
      } else if (kind !== 0) {
        this.#at(name, () => this.#refuseMember(kind === PropertyFlag.accessor));
        continue;
      }
      members.push({ name, address });
    }
    return members;
  }

  #refuseMember(isAccessor: boolean): void {
    // A described member is left out: its place in the shape was not written.
    if (this.#options.describe) return;
    this.#refuse(isAccessor ? "an accessor property" : "a property the engine has not made yet");
  }

  #elements(object: number): Member[] {
    const heap = this.#heap;
    const values = heap.word(object + ObjectLayout.second);
    const count = heap.word(object + ObjectLayout.count);
    this.#admit(count);
    // A sloppy function's arguments are references to its parameters.
    const areReferences = heap.classId(object) === ClassId.mappedArguments;
    return Array.from({ length: count }, (_, index) => ({
      name: String(index),
      address: areReferences
        ? heap.word(heap.word(values + index * 4) + ReferenceLayout.value)
        : values + index * VALUE_BYTES,
    }));
  }

  #array(object: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const shape = heap.word(object + ObjectLayout.shape);
    const length = heap.number(heap.word(object + ObjectLayout.properties));
    const fast = heap.isFast(object);
    const count = fast ? heap.word(object + ObjectLayout.count) : 0;
    // `length` is always the first property; an array with only that one has no named ones.
    if (!fast || count !== length || heap.word(shape + ShapeLayout.count) > 1) {
      const members = fast
        ? this.#elements(object).concat(this.#named(object))
        : this.#named(object);
      const dense = fast && count === length && members.length === length;
      if (!dense) return this.#sparse(length, members);
    }
    this.#admit(length);
    writer.u8(OutboundTag.array);
    writer.varint(length);
    const values = heap.word(object + ObjectLayout.second);
    const path = this.#path;
    const depth = path.length;
    path.push(0);
    for (let index = 0; index < length; index++) {
      path[depth] = index;
      this.value(values + index * VALUE_BYTES);
    }
    path.length = depth;
  }

  #sparse(length: number, members: Member[]): void {
    const writer = this.#writer;
    writer.u8(OutboundTag.sparseArray);
    writer.varint(length);
    writer.varint(members.length);
    for (const member of members) {
      writer.string(member.name);
      this.#at(member.name, () => this.value(member.address));
    }
  }

  #collection(object: number, isMap: boolean): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const state = heap.word(object + ObjectLayout.data);
    const count = heap.word(state + MapLayout.count);
    this.#admit(count);
    writer.u8(isMap ? OutboundTag.map : OutboundTag.set);
    writer.varint(count);
    let link = heap.word(state + MapLayout.first);
    for (let index = 0; index < count;) {
      // The list's head is where it ends; before `count` records it means a forged list.
      if (link === state + MAP_LIST_HEAD)
        throw new RangeError("A guest collection is inconsistent.");
      const record = link;
      link = heap.word(record + MapRecordLayout.next);
      if ((heap.word(record + MapRecordLayout.empty) & 0xff) !== 0) continue;
      if (isMap) {
        this.#at(`.keys()[${index}]`, () => this.value(record + MapRecordLayout.key));
        this.#at(`.values()[${index}]`, () => this.value(record + MapRecordLayout.value));
      } else {
        this.#at(`.values()[${index}]`, () => this.value(record + MapRecordLayout.key));
      }
      index++;
    }
  }

  #error(object: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    writer.u8(OutboundTag.error);
    writer.string(errorText(heap, object, "name", "Error"));
    writer.string(errorText(heap, object, "message", ""));
    writer.string(tidyStack(errorText(heap, object, "stack", "")));
    const cause = heap.findData(object, "cause");
    writer.u8(cause === 0 ? 0 : 1);
    if (cause !== 0) this.#at(".cause", () => this.value(cause));
  }

  #regexp(object: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const bits = heap.word(heap.word(object + ObjectLayout.second) + StringLayout.data) & 0xffff;
    writer.u8(OutboundTag.regexp);
    writer.string(heap.string(heap.word(object + ObjectLayout.data)));
    writer.string(REGEXP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(""));
  }

  #buffer(object: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const buffer = heap.word(object + ObjectLayout.data);
    if ((heap.word(buffer + BufferLayout.detached) & 0xff) !== 0) {
      this.#objects.delete(object);
      return this.#refuse("a detached ArrayBuffer");
    }
    const length = heap.word(buffer + BufferLayout.length);
    const maximum = heap.word(buffer + BufferLayout.maximumLength);
    this.#admit(length);
    writer.u8(OutboundTag.arrayBuffer);
    writer.block(heap.slice(heap.word(buffer + BufferLayout.data), length));
    writer.varint(maximum === 0xffff_ffff ? 0 : maximum + 1);
  }

  #typedArray(object: number, type: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const view = heap.word(object + ObjectLayout.data);
    const buffer = heap.word(view + ViewLayout.buffer);
    if (heap.classId(buffer) === ClassId.sharedArrayBuffer) {
      this.#objects.delete(object);
      return this.#refuse("a view of a SharedArrayBuffer");
    }
    writer.u8(OutboundTag.typedArray);
    writer.u8(type);
    writer.varint(heap.word(view + ViewLayout.offset));
    writer.varint(heap.word(view + ViewLayout.length) >>> (TYPED_ARRAY_SHIFTS[type] ?? 0));
    this.#at(".buffer", () => this.#object(buffer));
  }

  #string(address: number): void {
    const heap = this.#heap;
    const writer = this.#writer;
    const pointer = heap.pointer(address);
    writer.u8(OutboundTag.string);
    if (heap.tag(address) === Tag.string) {
      const header = heap.word(pointer + StringLayout.lengthAndWide);
      const wide = header >>> 31;
      const length = header & ~WIDE_BIT;
      this.#admit(length << wide);
      writer.varint(length * 2 + wide);
      writer.raw(heap.slice(pointer + StringLayout.data, length << wide));
      return;
    }
    const length = heap.word(pointer + RopeLayout.length);
    const wide = (heap.word(pointer + RopeLayout.wide) & 0xff) !== 0;
    this.#admit(wide ? length * 2 : length);
    writer.varint(length * 2 + (wide ? 1 : 0));
    heap.eachLeaf(address, (leaf) => {
      const text = heap.string(leaf);
      writer.stringUnits(text, wide);
      return true;
    });
  }

  /** Checks that `count` more bytes are allowed. */
  #admit(count: number): void {
    const { maximumBytes, root } = this.#options;
    if (this.#writer.length - this.#start + count <= maximumBytes) return;
    throw new RefusedValueError(
      "output-exceeded",
      `${root} takes more than the allowed ${maximumBytes} bytes.`,
    );
  }

  #at(step: string, visit: () => void): void {
    this.#path.push(step);
    visit();
    this.#path.pop();
  }

  #refuse(what: string): void {
    if (this.#options.describe) {
      this.#writer.u8(OutboundTag.description);
      this.#writer.string(`[${what.replace(/^an? /, "")}]`);
      return;
    }
    const { root } = this.#options;
    const path = this.#path.map(pathStep).join("");
    throw new RefusedValueError(
      "not-marshallable",
      `${root}${path} is ${what}, which cannot leave the sandbox. Return data: plain objects, arrays, Map, Set, ` +
        "Date, RegExp, Error, BigInt, buffers and their like.",
    );
  }
}

/** Whether objects of this class come out, or are refused whole. */
function crosses(classId: number): boolean {
  return (
    (classId >= ClassId.object && classId <= ClassId.date && classId !== ClassId.symbol) ||
    classId === ClassId.moduleNamespace ||
    classId === ClassId.regexp ||
    classId === ClassId.arrayBuffer ||
    (classId >= ClassId.firstTypedArray && classId <= ClassId.set)
  );
}

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

function pathStep(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  if (/^\.(?:keys|values)\(\)\[\d+\]$|^\.(?:buffer|cause)$/.test(step)) return step;
  if (/^(?:0|[1-9]\d*)$/.test(step)) return `[${step}]`;
  return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
