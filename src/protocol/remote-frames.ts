/**
 * What a pool and a machine that lends it workers tell each other, in binary frames of a WebSocket.
 * A connection carries any number of lanes, one for each lent worker; their numbers are never used
 * again, so that what is late finds nobody. Nothing else knows this form.
 */
import { ByteReader, ByteWriter, MalformedBytesError } from "./bytes.ts";
import type { MailboxReply } from "./mailbox.ts";
import { NO_BUFFERS, type Payload } from "./payload.ts";
import { readPlain, writePlain } from "./plain-data.ts";
import type { ActivityReport } from "./relay.ts";

/** Of this wire and of everything that travels on it: both ends must have the same. */
export const REMOTE_VERSION = 1;

/** "SK". */
const MAGIC = 0x4b53;

/** What may be asked of a lent worker over its lane. */
export const CONTROL_METHODS = [
  "initialise",
  "install",
  "statistics",
  "trim",
  "openSession",
  "captureSession",
  "closeSession",
  "shutdown",
] as const;
export type ControlMethod = (typeof CONTROL_METHODS)[number];

export type FrameToLender =
  /** Starts a worker. */
  | {
      type: "open";
      lane: number;
      slots: number;
      network: boolean;
      maxFrameBytes: number;
      /** What the server's clock says, milliseconds since 1970. */
      nowMs: number;
      /** With it the worker may open a connection of its own, for its batches. */
      ticket: string;
    }
  | { type: "batch"; lane: number; batch: Payload }
  | { type: "request"; lane: number; requestId: number; method: ControlMethod; args: unknown[] }
  /** Sets the cancel flag of the run in `slot`. */
  | { type: "cancel"; lane: number; slot: number; runId: number }
  /** Answers a synchronous host call, for which the worker blocks. */
  | { type: "answer"; lane: number; callId: number; reply: MailboxReply }
  /** Asks for an {@link ActivityReport}. */
  | { type: "look"; lane: number }
  /** Ends the worker, whatever it is doing. */
  | { type: "close"; lane: number };

export type FrameFromLender =
  /** The worker's code has loaded. Without signals nothing reaches guest code that is running. */
  | { type: "opened"; lane: number; hasSignals: boolean; isDirect: boolean }
  /** Numbered from 1 where the worker has a connection of its own as well, else 0. */
  | { type: "batch"; lane: number; order: number; batch: Payload }
  | { type: "reply"; lane: number; requestId: number; value: unknown }
  | { type: "failure"; lane: number; requestId: number; name: string; message: string }
  | { type: "activity"; lane: number; activity: ActivityReport }
  /** The worker has ended, by itself or because it was told to, or could not start. */
  | {
      type: "ended";
      lane: number;
      exitCode: number | undefined;
      reason: string;
      activity: ActivityReport | undefined;
    }
  /** The machine takes no new lanes and goes when those it has are closed. Lane 0. */
  | { type: "leaving"; lane: number };

const TO_LENDER = {
  open: 1,
  batch: 2,
  request: 3,
  cancel: 4,
  answer: 5,
  look: 6,
  close: 7,
} as const;
const FROM_LENDER = {
  opened: 33,
  batch: 34,
  reply: 35,
  failure: 36,
  activity: 37,
  ended: 38,
  leaving: 39,
} as const;
/** A piece of a frame that is too large for one message, in either direction; see `parts.ts`. */
export const PART = 64;
/** Magic, version and kind. */
export const KIND_AT = 3;
export const HEADER_BYTES = 8;

const MAXIMUM_BUFFERS = 2 ** 20;
/** What a peer says goes into events and logs. */
const MAXIMUM_TEXT = 4_096;

export function writeHeader(writer: ByteWriter, kind: number, lane: number): void {
  writer.u8(MAGIC & 0xff);
  writer.u8(MAGIC >>> 8);
  writer.u8(REMOTE_VERSION);
  writer.u8(kind);
  writer.u32(lane);
}

/** A frame to a lender, as bytes of its own. Throws a `TypeError` for arguments that are not plain. */
export function frameToLender(frame: FrameToLender): Uint8Array<ArrayBuffer> {
  if (frame.type === "batch") return batchFrame(TO_LENDER.batch, { ...frame, order: 0 });
  const writer = new ByteWriter(64);
  writeHeader(writer, TO_LENDER[frame.type], frame.lane);
  switch (frame.type) {
    case "open":
      writer.varint(frame.slots);
      writer.u8(frame.network ? 1 : 0);
      writer.varint(frame.maxFrameBytes);
      writer.f64(frame.nowMs);
      writer.string(frame.ticket);
      break;
    case "request":
      writer.varint(frame.requestId);
      writer.u8(CONTROL_METHODS.indexOf(frame.method));
      writePlain(writer, frame.args);
      break;
    case "cancel":
      writer.varint(frame.slot);
      writer.varint(frame.runId);
      break;
    case "answer":
      writer.varint(frame.callId);
      writer.u8(frame.reply.succeeded ? 1 : 0);
      // A reply to a mailbox has no buffers.
      writer.block(frame.reply.payload.bytes);
      break;
    case "look":
    case "close":
      break;
  }
  return writer.take();
}

/** A frame of a lender, as bytes of its own. */
export function frameFromLender(frame: FrameFromLender): Uint8Array<ArrayBuffer> {
  if (frame.type === "batch") return batchFrame(FROM_LENDER.batch, frame);
  const writer = new ByteWriter(64);
  writeHeader(writer, FROM_LENDER[frame.type], frame.lane);
  switch (frame.type) {
    case "opened":
      writer.u8(frame.hasSignals ? 1 : 0);
      writer.u8(frame.isDirect ? 1 : 0);
      break;
    case "reply":
      writer.varint(frame.requestId);
      writePlain(writer, frame.value);
      break;
    case "failure":
      writer.varint(frame.requestId);
      writer.string(frame.name.slice(0, MAXIMUM_TEXT));
      writer.string(frame.message.slice(0, MAXIMUM_TEXT));
      break;
    case "activity":
      writeActivity(writer, frame.activity);
      break;
    case "ended":
      // Node's exit codes are whole and may be negative.
      writePlain(writer, frame.exitCode);
      writer.string(frame.reason.slice(0, MAXIMUM_TEXT));
      writer.u8(frame.activity === undefined ? 0 : 1);
      if (frame.activity !== undefined) writeActivity(writer, frame.activity);
      break;
    case "leaving":
      break;
  }
  return writer.take();
}

/** Reads a frame to a lender; byte fields may be views of it. Throws {@link MalformedBytesError}. */
export function readToLender(bytes: Uint8Array): FrameToLender {
  const reader = new ByteReader(bytes);
  const { kind, lane } = readHeader(reader);
  if (kind === TO_LENDER.batch) {
    reader.varint();
    return { type: "batch", lane, batch: readBatch(reader) };
  }
  return finished(reader, readOtherToLender(reader, kind, lane));
}

function readOtherToLender(reader: ByteReader, kind: number, lane: number): FrameToLender {
  switch (kind) {
    case TO_LENDER.open: {
      const slots = reader.varint();
      const network = readFlag(reader);
      const maxFrameBytes = reader.varint();
      const nowMs = reader.f64();
      const ticket = readText(reader);
      return { type: "open", lane, slots, network, maxFrameBytes, nowMs, ticket };
    }
    case TO_LENDER.request: {
      const requestId = reader.varint();
      const method = CONTROL_METHODS[reader.u8()];
      const args = readPlain(reader);
      if (method === undefined) throw new MalformedBytesError("There is no such request.");
      if (!Array.isArray(args)) throw new MalformedBytesError("Arguments are a list.");
      return { type: "request", lane, requestId, method, args };
    }
    case TO_LENDER.cancel: {
      const slot = reader.varint();
      return { type: "cancel", lane, slot, runId: reader.varint() };
    }
    case TO_LENDER.answer: {
      const callId = reader.varint();
      const succeeded = readFlag(reader);
      const payload = { bytes: reader.block(), buffers: NO_BUFFERS };
      return { type: "answer", lane, callId, reply: { succeeded, payload } };
    }
    case TO_LENDER.look:
      return { type: "look", lane };
    case TO_LENDER.close:
      return { type: "close", lane };
    default:
      throw new MalformedBytesError(`There is no frame of kind ${kind} in this direction.`);
  }
}

/** Reads a lender's frame; byte fields may be views of it. Throws {@link MalformedBytesError}. */
export function readFromLender(bytes: Uint8Array): FrameFromLender {
  const reader = new ByteReader(bytes);
  const { kind, lane } = readHeader(reader);
  if (kind === FROM_LENDER.batch) {
    const order = reader.varint();
    return { type: "batch", lane, order, batch: readBatch(reader) };
  }
  return finished(reader, readOtherFromLender(reader, kind, lane));
}

function readOtherFromLender(reader: ByteReader, kind: number, lane: number): FrameFromLender {
  switch (kind) {
    case FROM_LENDER.opened: {
      const hasSignals = readFlag(reader);
      return { type: "opened", lane, hasSignals, isDirect: readFlag(reader) };
    }
    case FROM_LENDER.reply: {
      const requestId = reader.varint();
      return { type: "reply", lane, requestId, value: readPlain(reader) };
    }
    case FROM_LENDER.failure: {
      const requestId = reader.varint();
      const name = readText(reader);
      return { type: "failure", lane, requestId, name, message: readText(reader) };
    }
    case FROM_LENDER.activity:
      return { type: "activity", lane, activity: readActivity(reader) };
    case FROM_LENDER.ended: {
      const exitCode = readPlain(reader);
      if (exitCode !== undefined && !Number.isSafeInteger(exitCode)) {
        throw new MalformedBytesError("An exit code is a whole number.");
      }
      const reason = readText(reader);
      const activity = readFlag(reader) ? readActivity(reader) : undefined;
      return { type: "ended", lane, exitCode: exitCode as number | undefined, reason, activity };
    }
    case FROM_LENDER.leaving:
      return { type: "leaving", lane };
    default:
      throw new MalformedBytesError(`There is no frame of kind ${kind} in this direction.`);
  }
}

function batchFrame(
  kind: number,
  { lane, order, batch }: { lane: number; order: number; batch: Payload },
): Uint8Array<ArrayBuffer> {
  const { bytes, buffers } = batch;
  const sum = buffers.reduce((total, { byteLength }) => total + byteLength, bytes.length);
  const writer = new ByteWriter(HEADER_BYTES + (buffers.length + 2) * 8 + sum);
  writeHeader(writer, kind, lane);
  writer.varint(order);
  writer.varint(buffers.length);
  for (const { byteLength } of buffers) writer.varint(byteLength);
  for (const buffer of buffers) writer.raw(new Uint8Array(buffer));
  writer.raw(bytes);
  // Nobody else has this writer's buffer.
  return writer.bytes.subarray(0, writer.length);
}

function readBatch(reader: ByteReader): Payload {
  const { bytes } = reader;
  const count = reader.varint();
  if (count === 0) return { bytes: bytes.subarray(reader.at), buffers: NO_BUFFERS };
  if (count > MAXIMUM_BUFFERS || count > bytes.length) {
    throw new MalformedBytesError(`A batch has no ${count} buffers.`);
  }
  const lengths = Array.from({ length: count }, () => reader.varint());
  const buffers = lengths.map((length) => {
    const at = reader.advance(length);
    return bytes.slice(at, at + length).buffer;
  });
  return { bytes: bytes.subarray(reader.at), buffers };
}

export function readHeader(reader: ByteReader): { kind: number; lane: number } {
  const magic = reader.u8() | (reader.u8() << 8);
  if (magic !== MAGIC) throw new MalformedBytesError("This is no frame of skep.");
  const version = reader.u8();
  if (version !== REMOTE_VERSION) {
    throw new MalformedBytesError(`A frame has version ${version}, and this is ${REMOTE_VERSION}.`);
  }
  const kind = reader.u8();
  return { kind, lane: reader.u32() };
}

function finished<Frame>(reader: ByteReader, frame: Frame): Frame {
  if (reader.done) return frame;
  throw new MalformedBytesError("A frame has more bytes than its kind.");
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new MalformedBytesError("A flag is 0 or 1.");
  return flag === 1;
}

function readText(reader: ByteReader): string {
  const text = reader.string();
  if (text.length > MAXIMUM_TEXT) throw new MalformedBytesError("A text is too long.");
  // oxlint-disable-next-line no-control-regex -- what a terminal would obey belongs in no log
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, " ");
}

function writeActivity(writer: ByteWriter, { runId, entry, ageMs, polls }: ActivityReport): void {
  for (const count of [runId, entry, ageMs]) writer.varint(count);
  writer.u32(polls >>> 0);
}

function readActivity(reader: ByteReader): ActivityReport {
  const runId = reader.varint();
  const entry = reader.varint();
  const ageMs = reader.varint();
  return { runId, entry, ageMs, polls: reader.u32() | 0 };
}
