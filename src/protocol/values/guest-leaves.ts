/** The values of the engine's format that hold no others, and the numbers its keys and buffers go by. */
import type { ByteWriter } from "../bytes.ts";
import { FIXED_LENGTH, GuestTag } from "./guest-format.ts";

export function writeString(out: ByteWriter, value: string): void {
  out.u8(GuestTag.string);
  out.string(value);
}

export function writeNumber(out: ByteWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) out.zigzag(GuestTag.int32, value);
  else {
    out.u8(GuestTag.float64);
    out.f64(value);
  }
}

/** The engine's BigInts have at most 2**20 bits. */
const MOST_BIGINT_BYTES = 2 ** 17;

/** What an array takes at least, up to its first hole; quicker to know than what its keys are. */
export function leastBytes(values: readonly unknown[]): number {
  let bytes = 0;
  for (const value of values) {
    if (value === undefined) break;
    if (typeof value === "number") bytes += (value | 0) === value ? 2 : 9;
    else bytes += typeof value === "string" ? value.length : 1;
  }
  return bytes;
}

/**
 * Two's complement bytes, least significant first, as few as keep the sign; none for zero. False
 * when the engine has no BigInt as long.
 */
export function writeBigInt(out: ByteWriter, value: bigint): boolean {
  if (value === 0n) {
    out.u8(GuestTag.bigint);
    out.varint(0);
    return true;
  }
  // Of -2^n it is one bit less that must fit, so the magnitude of ~value counts.
  const magnitude = value < 0n ? ~value : value;
  const hex = magnitude.toString(16);
  const bits = hex.length * 4 - Math.clz32(Number.parseInt(hex[0] ?? "0", 16)) + 28;
  const count = Math.floor(bits / 8) + 1;
  if (count > MOST_BIGINT_BYTES) return false;
  const digits = BigInt.asUintN(count * 8, value)
    .toString(16)
    .padStart(count * 2, "0");
  out.u8(GuestTag.bigint);
  out.varint(count);
  for (let at = digits.length - 2; at >= 0; at -= 2)
    out.u8(Number.parseInt(digits.slice(at, at + 2), 16));
  return true;
}

/** What an engine buffer's maximum length is, when it can be resized. */
export function maximumLength(buffer: ArrayBuffer): number {
  const { resizable, maxByteLength } = buffer as { resizable?: boolean; maxByteLength?: number };
  return resizable === true && maxByteLength !== undefined ? maxByteLength : FIXED_LENGTH;
}

const LARGEST_INDEX = 0x7fff_ffff;

/** The index a canonical array index stands for, else -1. */
export function arrayIndex(key: string): number {
  const first = key.charCodeAt(0);
  if (!(first >= 0x30 && first <= 0x39) || key.length > 10) return -1;
  const index = Number(key);
  return index <= LARGEST_INDEX && String(index) === key ? index : -1;
}
