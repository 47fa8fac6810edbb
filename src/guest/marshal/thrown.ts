/** What a guest threw, written as data: see `decodeThrown` in `protocol/values/outbound.ts`. */
import { ByteWriter } from "../../protocol/bytes.ts";
import { OutboundTag } from "../../protocol/values/outbound-format.ts";
import type { Address } from "../engine.ts";
import { withoutConstructors } from "./constructor-frames.ts";
import { ClassId, Tag } from "./heap-layout.ts";
import { errorText, type HeapReader, MAXIMUM_ERROR_TEXT } from "./heap-reader.ts";
import { writeValue } from "./heap-walk.ts";
import { RefusedValueError } from "./refusal.ts";
import { tidyMessage, tidyStack } from "./stack-text.ts";

/** Bytes of a thrown value's own data that come out; larger data is left out. */
const MAXIMUM_DATA_BYTES = 65_536;
/** How many causes of causes come out. */
const MAXIMUM_CAUSES = 8;

/** Properties of an error that are not its data. */
const ERROR_FIELDS: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "name",
  "message",
  "stack",
  "cause",
]);

/** Writes the thrown value at `address`; 0 when nothing is known of it. */
export function writeThrown(
  heap: HeapReader,
  address: Address,
  writer: ByteWriter,
  causes = 0,
): void {
  heap.refresh();
  const isObject = address !== 0 && heap.tag(address) === Tag.object;
  const object = isObject ? heap.pointer(address) : 0;
  if (!isObject || heap.classId(object) !== ClassId.error) {
    writeThrownValue(heap, address, object, writer);
    return;
  }
  writer.string(errorText(heap, object, "name", "Error"));
  writer.string(tidyMessage(errorText(heap, object, "message", "")));
  const stack = tidyStack(errorText(heap, object, "stack", ""));
  writer.string(withoutConstructors(heap, object, stack));
  writeData(heap, object, writer);
  const cause = heap.findData(object, "cause");
  if (cause === 0 || causes >= MAXIMUM_CAUSES) writer.u8(0);
  else if (heap.tag(cause) === Tag.object && heap.classId(heap.pointer(cause)) === ClassId.error) {
    writer.u8(1);
    writeThrown(heap, cause, writer, causes + 1);
  } else {
    writer.u8(2);
    writeBounded(heap, cause, writer);
  }
}

/** Thrown, but not an error: its text as far as it has one, itself under `data.value`. */
function writeThrownValue(
  heap: HeapReader,
  address: Address,
  object: Address,
  writer: ByteWriter,
): void {
  writer.string(object === 0 ? "Error" : errorText(heap, object, "name", "Error"));
  writer.string(
    object === 0
      ? textOf(heap, address)
      : errorText(heap, object, "message", "The guest threw an object."),
  );
  writer.string("");
  if (object !== 0 && heap.classId(object) === ClassId.object) writeData(heap, object, writer);
  else {
    writer.u8(OutboundTag.object);
    writer.varint(1);
    writer.string("value");
    if (address === 0) writer.u8(OutboundTag.undefined);
    else writeBounded(heap, address, writer);
  }
  writer.u8(0);
}

function textOf(heap: HeapReader, address: Address): string {
  if (address === 0) return "The guest was stopped.";
  const tag = heap.tag(address);
  switch (tag) {
    case Tag.string:
    case Tag.rope:
      return heap.text(address, MAXIMUM_ERROR_TEXT);
    case Tag.null:
      return "null";
    case Tag.undefined:
      return "undefined";
    case Tag.bool:
      return heap.word(address) === 0 ? "false" : "true";
    case Tag.shortBigint:
      return `${heap.word(address) | 0}n`;
    case Tag.bigint:
      return "The guest threw a BigInt.";
    case Tag.symbol:
      return "The guest threw a symbol.";
    default:
      return String(heap.number(address));
  }
}

/** The own enumerable data properties that are not the error's own fields. */
function writeData(heap: HeapReader, object: Address, writer: ByteWriter): void {
  const members = heap
    .members(object)
    .filter(({ name, lacks }) => lacks === undefined && !ERROR_FIELDS.has(name));
  const start = writer.length;
  writer.u8(OutboundTag.object);
  writer.varint(members.length);
  for (const member of members) writer.string(member.name);
  for (const member of members) writeBounded(heap, member.address, writer);
  if (writer.length - start <= MAXIMUM_DATA_BYTES) return;
  writer.length = start;
  writer.u8(OutboundTag.object);
  writer.varint(0);
}

/** A value, described where it cannot cross, left out where it is too large. */
function writeBounded(heap: HeapReader, address: Address, writer: ByteWriter): void {
  const start = writer.length;
  const part = new ByteWriter(64);
  try {
    writeValue(heap, address, part, {
      root: "error",
      maximumBytes: MAXIMUM_DATA_BYTES,
      describe: true,
    });
    writer.u8(OutboundTag.apart);
    writer.block(part.bytes.subarray(0, part.length));
  } catch (error) {
    if (!(error instanceof RefusedValueError)) throw error;
    writer.length = start;
    writer.u8(OutboundTag.description);
    writer.string("[too large]");
  }
}
