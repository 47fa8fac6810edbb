/**
 * Objects with a state of their own on their way out: dates, collections, errors, expressions,
 * buffers and views. Ordinary objects, arrays and primitives are `heap-walk.ts`'s.
 */
import type { ByteWriter } from "../../protocol/bytes.ts";
import { BESIDE_BYTES } from "../../protocol/payload.ts";
import { ErrorPart, OutboundTag } from "../../protocol/values/outbound-format.ts";
import {
  BufferLayout,
  ClassId,
  MAP_LIST_HEAD,
  MapLayout,
  MapRecordLayout,
  ObjectLayout,
  REGEXP_FLAGS,
  StringLayout,
  TYPED_ARRAY_SHIFTS,
  ViewLayout,
  WIDE_BIT,
} from "./heap-layout.ts";
import { errorText, type HeapReader } from "./heap-reader.ts";
import { tidyMessage, tidyStack } from "./stack-text.ts";

/** The walk that came to such an object, and goes on with what it holds. */
export interface Walk {
  readonly heap: HeapReader;
  readonly writer: ByteWriter;
  readonly options: { readonly beside?: boolean };
  /** Bytes of the buffers that go beside the writer's. */
  besideBytes: number;
  value(address: number): void;
  object(object: number): void;
  plain(object: number): void;
  /** Visits a part of the object, whose path a refusal names. */
  at(step: string, visit: () => void): void;
  /** Checks that `count` more bytes are allowed. */
  admit(count: number): void;
  /** Refuses an object that was counted already: what stands for it in the output is not. */
  refuseCounted(object: number, what: string): void;
}

/** The maximum length of a buffer that cannot be resized. */
const FIXED = 0xffff_ffff;

/** Writes an object of a class with a state of its own. */
export function writeExotic(walk: Walk, object: number, classId: number): void {
  const { heap, writer } = walk;
  if (classId >= ClassId.firstTypedArray && classId <= ClassId.lastTypedArray) {
    return writeTypedArray(walk, object, classId - ClassId.firstTypedArray);
  }
  switch (classId) {
    case ClassId.date:
      writer.u8(OutboundTag.date);
      return writer.f64(heap.number(object + ObjectLayout.data));
    case ClassId.map:
    case ClassId.set:
      return writeCollection(walk, object, classId === ClassId.map);
    case ClassId.error:
      return writeError(walk, object);
    case ClassId.regexp:
      return writeRegexp(walk, object);
    case ClassId.arrayBuffer:
      return writeBuffer(walk, object);
    case ClassId.dataView:
      return writeView(walk, object, () => writer.u8(OutboundTag.dataView), 0);
    case ClassId.number:
    case ClassId.string:
    case ClassId.boolean:
    case ClassId.bigint:
      writer.u8(OutboundTag.boxed);
      return walk.value(object + ObjectLayout.data);
    default:
      return walk.plain(object);
  }
}

function writeCollection(walk: Walk, object: number, isMap: boolean): void {
  const { heap } = walk;
  const state = heap.word(object + ObjectLayout.data);
  const count = heap.word(state + MapLayout.count);
  walk.admit(isMap ? count * 2 : count);
  walk.writer.u8(isMap ? OutboundTag.map : OutboundTag.set);
  walk.writer.varint(count);
  let link = heap.word(state + MapLayout.first);
  for (let index = 0; index < count;) {
    // The list's head is where it ends; before `count` records it means a forged list.
    if (link === state + MAP_LIST_HEAD) throw new RangeError("A guest collection is inconsistent.");
    const record = link;
    link = heap.word(record + MapRecordLayout.next);
    if ((heap.word(record + MapRecordLayout.empty) & 0xff) !== 0) continue;
    if (isMap) {
      walk.at(`.keys()[${index}]`, () => walk.value(record + MapRecordLayout.key));
      walk.at(`.values()[${index}]`, () => walk.value(record + MapRecordLayout.value));
    } else {
      walk.at(`.values()[${index}]`, () => walk.value(record + MapRecordLayout.key));
    }
    index++;
  }
}

function writeError(walk: Walk, object: number): void {
  const { heap, writer } = walk;
  writer.u8(OutboundTag.error);
  writer.string(errorText(heap, object, "name", "Error"));
  const message = tidyMessage(errorText(heap, object, "message", ""));
  writer.string(message);
  writer.string(tidyStack(errorText(heap, object, "stack", "")));
  const cause = heap.findData(object, "cause");
  const isSilent = message === "" && heap.findData(object, "message", 1) === 0;
  writer.u8((cause === 0 ? 0 : ErrorPart.cause) | (isSilent ? ErrorPart.noMessage : 0));
  if (cause !== 0) walk.at(".cause", () => walk.value(cause));
}

function writeRegexp(walk: Walk, object: number): void {
  const { heap, writer } = walk;
  const bits = heap.word(heap.word(object + ObjectLayout.second) + StringLayout.data) & 0xffff;
  const source = heap.word(object + ObjectLayout.data);
  walk.admit(heap.word(source + StringLayout.lengthAndWide) & ~WIDE_BIT);
  writer.u8(OutboundTag.regexp);
  writer.string(heap.string(source));
  writer.string(REGEXP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(""));
}

function writeBuffer(walk: Walk, object: number): void {
  const { heap, writer } = walk;
  const buffer = heap.word(object + ObjectLayout.data);
  if ((heap.word(buffer + BufferLayout.detached) & 0xff) !== 0) {
    return walk.refuseCounted(object, "a detached ArrayBuffer");
  }
  const length = heap.word(buffer + BufferLayout.length);
  const maximum = heap.word(buffer + BufferLayout.maximumLength);
  const isFixed = maximum === FIXED;
  walk.admit(length);
  const bytes = heap.slice(heap.word(buffer + BufferLayout.data), length);
  if (walk.options.beside === true && isFixed && length >= BESIDE_BYTES) {
    walk.besideBytes += length;
    writer.u8(OutboundTag.besideBuffer);
    writer.beside(bytes.slice().buffer);
    return;
  }
  writer.u8(OutboundTag.arrayBuffer);
  writer.block(bytes);
  writer.varint(isFixed ? 0 : maximum + 1);
}

function writeTypedArray(walk: Walk, object: number, type: number): void {
  const { writer } = walk;
  const tag = (): void => {
    writer.u8(OutboundTag.typedArray);
    writer.u8(type);
  };
  writeView(walk, object, tag, TYPED_ARRAY_SHIFTS[type] ?? 0);
}

/**
 * Writes where a view lies and its buffer, or refuses it before anything is written. The engine
 * leaves the length of a view as it was when the buffer under it shrinks or goes.
 */
function writeView(walk: Walk, object: number, writeTag: () => void, shift: number): void {
  const { heap, writer } = walk;
  const view = heap.word(object + ObjectLayout.data);
  const owner = heap.word(view + ViewLayout.buffer);
  if (heap.classId(owner) === ClassId.sharedArrayBuffer) {
    return walk.refuseCounted(object, "a view of a SharedArrayBuffer");
  }
  const buffer = heap.word(owner + ObjectLayout.data);
  if ((heap.word(buffer + BufferLayout.detached) & 0xff) !== 0) {
    return walk.refuseCounted(object, "a view of a detached ArrayBuffer");
  }
  const offset = heap.word(view + ViewLayout.offset);
  const follows = (heap.word(view + ViewLayout.follows) & 0xff) !== 0;
  const bytes = follows ? 0 : heap.word(view + ViewLayout.length);
  if (offset + bytes > heap.word(buffer + BufferLayout.length)) {
    return walk.refuseCounted(object, "a view beyond the end of its ArrayBuffer");
  }
  writeTag();
  writer.varint(offset);
  writer.varint(follows ? 0 : (bytes >>> shift) + 1);
  walk.at(".buffer", () => walk.object(owner));
}
