/**
 * Host values on their way into a sandbox. Encoded once, in the parent, in the engine's own
 * format, so that the worker only copies bytes and the engine builds the values natively.
 */
import { NO_BUFFERS, type Payload } from "../payload.ts";
import { InboundMode } from "./guest-format.ts";
import { InboundEncoder } from "./inbound-encoder.ts";

/** How arguments are encoded. */
export interface EncodeOptions {
  /** The most bytes they may take, buffers included. */
  maximumBytes?: number | undefined;
  /** Buffers the caller gives up: they are not copied. Whoever sends the payload detaches them. */
  transfer?: readonly ArrayBuffer[] | undefined;
}

/**
 * Encodes a call's arguments. Large buffers go beside the bytes.
 *
 * @throws SkepError `not-marshallable`, naming the path (`args[0].onClick is a function`).
 * @throws SkepError `input-exceeded` beyond `maximumBytes`; by then no large buffer was copied.
 */
export function encodeArguments(args: readonly unknown[], options: EncodeOptions = {}): Payload {
  const immediates = encodeImmediates(args);
  if (immediates) return { bytes: immediates, buffers: NO_BUFFERS };
  const { maximumBytes, transfer } = options;
  return new InboundEncoder({ root: "args", beside: true, maximumBytes, transfer }).encode(args);
}

/**
 * Encodes a host function's answer. Large buffers go beside the bytes, unless they must be in them.
 *
 * @throws SkepError `not-marshallable`, naming the path from `root` on.
 * @throws SkepError `input-exceeded` beyond `maximumBytes`.
 */
export function encodeAnswer(
  values: readonly unknown[],
  root: string,
  options: { beside: boolean; maximumBytes: number },
): Payload {
  return new InboundEncoder({ root, ...options }).encode(values);
}

/**
 * Encodes a constant: an array that holds the one value.
 *
 * @throws SkepError `not-marshallable`, naming the path from the constant's name on.
 */
export function encodeConstant(name: string, value: unknown): Uint8Array {
  return new InboundEncoder({ root: name, single: true }).encode([value]).bytes;
}

/**
 * Encodes an array with everything in the bytes, always in the engine's format.
 *
 * @throws SkepError `not-marshallable`, naming the path from `root` on.
 */
export function encodeArray(values: readonly unknown[], root: string): Uint8Array {
  return new InboundEncoder({ root }).encode(values).bytes;
}

// The engine's values in 32-bit memory: a tag in the upper word, or a double moved by a constant.
const TAG_INT = 0;
const TAG_BOOL = 1;
const TAG_NULL = 2;
const TAG_UNDEFINED = 3;
/** Subtracted from a double's upper word, so that no double looks like a tag. */
const DOUBLE_OFFSET = 0x7ff8_000a;
const CANONICAL_NAN_UPPER = 0x7ff8_0000;

/** The short form for arguments without strings or objects; undefined when there are others. */
function encodeImmediates(args: readonly unknown[]): Uint8Array | undefined {
  const count = args.length;
  if (count > 255) return undefined;
  const bytes = new Uint8Array(2 + count * 8);
  bytes[0] = InboundMode.immediates;
  bytes[1] = count;
  for (let index = 0; index < count; index++) {
    if (!writeImmediate(bytes, 2 + index * 8, args[index])) return undefined;
  }
  return bytes;
}

function writeImmediate(bytes: Uint8Array, at: number, value: unknown): boolean {
  if (typeof value === "number") {
    if ((value | 0) === value && !Object.is(value, -0)) writeWords(bytes, at, value, TAG_INT);
    else {
      doubleView.setFloat64(0, value, true);
      const upper = Number.isNaN(value) ? CANONICAL_NAN_UPPER : doubleView.getUint32(4, true);
      writeWords(bytes, at, doubleView.getUint32(0, true), upper - DOUBLE_OFFSET);
    }
    return true;
  }
  if (typeof value === "boolean") {
    writeWords(bytes, at, value ? 1 : 0, TAG_BOOL);
    return true;
  }
  if (value === null || value === undefined) {
    writeWords(bytes, at, 0, value === null ? TAG_NULL : TAG_UNDEFINED);
    return true;
  }
  return false;
}

// One for all: a view over each call's few bytes would cost more than writing them.
const doubleView: DataView = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

function writeWords(bytes: Uint8Array, at: number, lower: number, upper: number): void {
  for (let index = 0; index < 4; index++) {
    bytes[at + index] = lower >>> (index * 8);
    bytes[at + 4 + index] = upper >>> (index * 8);
  }
}
