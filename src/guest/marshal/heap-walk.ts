/**
 * Guest values on their way out: one walk over a value in the sandbox's memory writes its outbound
 * form. Depth and bytes are bounded, and what cannot cross is refused with the path to it.
 */
import type { ByteWriter } from "../../protocol/bytes.ts";
import { MAXIMUM_DEPTH } from "../../protocol/values/guest-format.ts";
import { OutboundTag } from "../../protocol/values/outbound-format.ts";
import {
  BigintLayout,
  ClassId,
  className,
  FIRST_TAG,
  LAST_TAG,
  ObjectLayout,
  PROPERTY_FLAGS_SHIFT,
  PropertyFlag,
  ReferenceLayout,
  RopeLayout,
  ShapeLayout,
  StringLayout,
  Tag,
  VALUE_BYTES,
  WIDE_BIT,
} from "./heap-layout.ts";
import { describeObject, describeSymbol } from "./descriptions.ts";
import { type Walk, writeExotic } from "./exotic-objects.ts";
import { type HeapReader, type Member } from "./heap-reader.ts";
import { pathText, RefusedValueError } from "./refusal.ts";

/** How a value is to be read. */
export interface ReadOptions {
  /** What the path of a refusal starts with, e.g. `result`. */
  root: string;
  /** The most bytes the value may take in outbound form. */
  maximumBytes: number;
  /** Describe what cannot cross (`[a function]`) instead of refusing the whole: for console lines. */
  describe?: boolean;
  /** Large buffers go beside the bytes; the writer's owner sends both. */
  beside?: boolean;
}

/**
 * Writes the value at `address` in outbound form.
 *
 * @throws RefusedValueError naming the path and kind of what cannot cross.
 */
export function writeValue(
  heap: HeapReader,
  address: number,
  writer: ByteWriter,
  options: ReadOptions,
): void {
  heap.refresh();
  // Most results are numbers, booleans or nothing: no state is set up for those.
  if (heap.tag(address) === Tag.int) writer.zigzag(OutboundTag.int32, heap.word(address) | 0);
  else new HeapWalk(heap, writer, options).value(address);
}

/** What is known of a shape: which properties cross, by index, and their names. */
interface ShapeNames {
  /** The number the shape has in the output, once it was written. */
  number: number;
  names: string[];
  indexes: number[];
}

/** One walk over one value: the objects met, the shapes met, the path to where it is. */
class HeapWalk implements Walk {
  readonly heap: HeapReader;
  /** The heap's words. The walk enters no engine, so the memory stays where it is. */
  readonly #words: Uint32Array;
  readonly writer: ByteWriter;
  readonly options: ReadOptions;
  readonly #start: number;
  besideBytes = 0;
  /** Numbers of the objects that something else refers to as well. */
  readonly #shared = new Map<number, number>();
  #objectCount = 0;
  readonly #shapes = new Map<number, ShapeNames>();
  #shapeCount = 0;
  readonly #path: (string | number)[] = [];

  constructor(heap: HeapReader, writer: ByteWriter, options: ReadOptions) {
    this.heap = heap;
    this.#words = heap.words;
    this.writer = writer;
    this.options = options;
    this.#start = writer.length;
  }

  value(address: number): void {
    const words = this.#words;
    const lower = (words[address >>> 2] as number) | 0;
    const tag = (words[(address + 4) >>> 2] as number) | 0;
    switch (tag) {
      case Tag.int:
        return this.writer.zigzag(OutboundTag.int32, lower);
      case Tag.string:
        return this.#string(lower >>> 0);
      case Tag.rope:
        return this.#rope(address);
      case Tag.object:
        return this.object(lower >>> 0);
      case Tag.bool:
        return this.writer.u8(lower === 0 ? OutboundTag.false : OutboundTag.true);
      case Tag.null:
        return this.writer.u8(OutboundTag.null);
      case Tag.undefined:
        return this.writer.u8(OutboundTag.undefined);
      default:
        return this.#rare(tag, address);
    }
  }

  #rare(tag: number, address: number): void {
    const heap = this.heap;
    const writer = this.writer;
    switch (tag) {
      case Tag.shortBigint:
        writer.u8(OutboundTag.bigint);
        writer.varint(4);
        return writer.u32(heap.word(address));
      case Tag.bigint: {
        const pointer = heap.pointer(address);
        const count = heap.word(pointer + BigintLayout.limbs) * 4;
        this.admit(count);
        writer.u8(OutboundTag.bigint);
        return writer.block(heap.slice(pointer + BigintLayout.data, count));
      }
      case Tag.symbol:
        return this.refuse("a symbol", () => describeSymbol(heap, address));
      default:
        if (tag >= FIRST_TAG && tag <= LAST_TAG)
          return this.refuse("an internal value of the engine");
        writer.u8(OutboundTag.float64);
        return writer.f64(heap.number(address));
    }
  }

  object(object: number): void {
    const words = this.#words;
    // What only one reference leads to cannot be met again: that spares most objects the table.
    const isShared = (words[object >>> 2] as number) !== 1;
    if (isShared) {
      const known = this.#shared.get(object);
      if (known !== undefined) {
        this.writer.u8(OutboundTag.same);
        this.writer.varint(known);
        return;
      }
    }
    const classId = ((words[(object + 4) >>> 2] as number) >>> 16) | 0;
    if (!crosses(classId)) {
      return this.refuse(className(classId), () => describeObject(this.heap, object, classId));
    }
    if (this.#path.length > MAXIMUM_DEPTH) {
      const message = `${this.options.root} is nested more than ${MAXIMUM_DEPTH} levels deep.`;
      throw new RefusedValueError("output-exceeded", message);
    }
    this.admit(0);
    if (isShared) this.#shared.set(object, this.#objectCount);
    this.#objectCount++;
    if (classId === ClassId.object) this.plain(object);
    else if (classId === ClassId.array) this.#array(object);
    else {
      writeExotic(this, object, classId);
      this.admit(0);
    }
  }

  plain(object: number): void {
    const heap = this.heap;
    // `arguments` keeps its elements like an array does.
    if (heap.isFast(object))
      return this.#members(this.#elements(object).concat(this.#named(object)));
    const words = this.#words;
    const shapeAddress = words[(object + ObjectLayout.shape) >>> 2] as number;
    const shape = this.#shapes.get(shapeAddress) ?? this.#learn(shapeAddress);
    if (!shape) return this.#members(this.#named(object));
    const { names, indexes } = shape;
    if (shape.number >= 0) {
      this.writer.u8(OutboundTag.shapedObject);
      this.writer.varint(shape.number);
    } else {
      shape.number = this.#shapeCount++;
      this.#names(names);
    }
    const properties = words[(object + ObjectLayout.properties) >>> 2] as number;
    const path = this.#path;
    const depth = path.length;
    path.push("");
    for (let at = 0; at < indexes.length; at++) {
      path[depth] = names[at] as string;
      this.value(properties + (indexes[at] as number) * VALUE_BYTES);
    }
    this.admit(0);
    path.length = depth;
  }

  /** A shape of which every property that crosses is plain data; undefined for any other. */
  #learn(shape: number): ShapeNames | undefined {
    const heap = this.heap;
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
    for (const member of members) this.at(member.name, () => this.value(member.address));
  }

  #names(names: string[]): void {
    this.writer.u8(OutboundTag.object);
    this.writer.varint(names.length);
    for (const name of names) this.writer.string(name);
    this.admit(0);
  }

  /** The own enumerable properties that are not elements. */
  #named(object: number): Member[] {
    return this.heap.members(object).filter(({ name, lacks }) => {
      if (lacks === undefined) return true;
      // A described member is left out: its place in the shape was not written.
      if (this.options.describe !== true) this.at(name, () => this.refuse(lacks));
      return false;
    });
  }

  #elements(object: number): Member[] {
    const heap = this.heap;
    const values = heap.word(object + ObjectLayout.second);
    const count = heap.word(object + ObjectLayout.count);
    this.admit(count);
    // A sloppy function's arguments are references to its parameters.
    const areReferences = heap.classId(object) === ClassId.mappedArguments;
    return Array.from({ length: count }, (_, index) => ({
      name: String(index),
      address: areReferences
        ? heap.word(heap.word(values + index * 4) + ReferenceLayout.value)
        : values + index * VALUE_BYTES,
      lacks: undefined,
    }));
  }

  #array(object: number): void {
    const heap = this.heap;
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
    this.admit(length);
    this.writer.u8(OutboundTag.array);
    this.writer.varint(length);
    const values = heap.word(object + ObjectLayout.second);
    const path = this.#path;
    const depth = path.length;
    path.push(0);
    for (let index = 0; index < length; index++) {
      // Numbers are not counted one by one: a few too many may be written before it is noticed.
      if ((index & ELEMENTS_PER_CHECK) === ELEMENTS_PER_CHECK) this.admit(length - index);
      path[depth] = index;
      this.value(values + index * VALUE_BYTES);
    }
    this.admit(0);
    path.length = depth;
  }

  #sparse(length: number, members: Member[]): void {
    const writer = this.writer;
    writer.u8(OutboundTag.sparseArray);
    writer.varint(length);
    writer.varint(members.length);
    for (const member of members) {
      writer.string(member.name);
      this.at(member.name, () => this.value(member.address));
    }
  }

  #string(pointer: number): void {
    const writer = this.writer;
    const header = this.#words[(pointer + StringLayout.lengthAndWide) >>> 2] as number;
    const wide = header >>> 31;
    const length = header & ~WIDE_BIT;
    const bytes = length << wide;
    this.admit(bytes);
    writer.u8(OutboundTag.string);
    writer.varint(length * 2 + wide);
    writer.range(this.heap.bytes, pointer + StringLayout.data, bytes);
  }

  /** A string in pieces, as concatenations leave them. */
  #rope(address: number): void {
    const heap = this.heap;
    const writer = this.writer;
    const pointer = heap.pointer(address);
    const length = heap.word(pointer + RopeLayout.length);
    const wide = (heap.word(pointer + RopeLayout.wide) & 0xff) !== 0;
    this.admit(wide ? length * 2 : length);
    writer.u8(OutboundTag.string);
    writer.varint(length * 2 + (wide ? 1 : 0));
    heap.eachLeaf(address, (leaf) => {
      const header = heap.word(leaf + StringLayout.lengthAndWide);
      const isWideLeaf = header >>> 31 === 1;
      if (isWideLeaf === wide) {
        const bytes = (header & ~WIDE_BIT) << (wide ? 1 : 0);
        writer.range(heap.bytes, leaf + StringLayout.data, bytes);
      } else writer.stringUnits(heap.string(leaf), wide);
      return true;
    });
  }

  admit(count: number): void {
    const { maximumBytes, root } = this.options;
    if (this.writer.length - this.#start + this.besideBytes + count <= maximumBytes) return;
    throw new RefusedValueError(
      "output-exceeded",
      `${root} takes more than the allowed ${maximumBytes} bytes.`,
    );
  }

  at(step: string, visit: () => void): void {
    this.#path.push(step);
    visit();
    this.#path.pop();
  }

  refuseCounted(object: number, what: string): void {
    this.#shared.delete(object);
    this.#objectCount--;
    this.refuse(what);
  }

  /** Where values are described, `describe` may say more than what they are. */
  refuse(what: string, describe?: () => string | undefined): void {
    if (this.options.describe === true) {
      this.writer.u8(OutboundTag.description);
      this.writer.string(describe?.() ?? `[${what.replace(/^an? /, "")}]`);
      return;
    }
    throw new RefusedValueError(
      "not-marshallable",
      `${this.options.root}${pathText(this.#path)} is ${what}, which cannot leave the sandbox. Return data: plain ` +
        "objects, arrays, Map, Set, Date, RegExp, Error, BigInt, buffers and their like.",
    );
  }
}

/** All bits set: an array's bytes are looked at each time so many elements were written. */
const ELEMENTS_PER_CHECK = 0xfff;
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
