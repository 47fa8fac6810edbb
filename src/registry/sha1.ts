/**
 * SHA-1, by which sources are named: synchronous, and there on insecure pages too. Nothing is
 * secured by it. A library's would be an eighth of what a page loads before its workers.
 */

const BLOCK_BYTES = 64;
/** A closing bit, and the length in bits. */
const TRAILER_BYTES = 9;
const ROUNDS = 80;
/** Of each quarter of the rounds. */
const CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

/** The SHA-1 of a text's UTF-8 bytes, in hexadecimal. */
export function sha1(text: string): string {
  const message = padded(new TextEncoder().encode(text));
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Uint32Array(ROUNDS);
  for (let at = 0; at < message.byteLength; at += BLOCK_BYTES) {
    fillSchedule(schedule, message, at);
    mix(state, schedule);
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

function padded(bytes: Uint8Array): DataView {
  const blocks = Math.ceil((bytes.length + TRAILER_BYTES) / BLOCK_BYTES);
  const message = new Uint8Array(blocks * BLOCK_BYTES);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

/** The block's words, and what follows from them for the later rounds. */
function fillSchedule(schedule: Uint32Array, message: DataView, at: number): void {
  const word = (round: number): number => schedule[round] ?? 0;
  for (let round = 0; round < ROUNDS; round++) {
    schedule[round] =
      round < 16
        ? message.getUint32(at + round * 4)
        : rotate(word(round - 3) ^ word(round - 8) ^ word(round - 14) ^ word(round - 16), 1);
  }
}

function mix(state: Uint32Array, schedule: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
  for (const [round, word] of schedule.entries()) {
    const quarter = Math.floor(round / 20);
    const sum = rotate(a, 5) + choice(quarter, b, c, d) + e + (CONSTANTS[quarter] ?? 0) + word;
    [a, b, c, d, e] = [sum >>> 0, a, rotate(b, 30), c, d];
  }
  for (const [index, word] of [a, b, c, d, e].entries()) state[index] = (state[index] ?? 0) + word;
}

function choice(quarter: number, b: number, c: number, d: number): number {
  if (quarter === 0) return ((b & c) | (~b & d)) >>> 0;
  if (quarter === 2) return ((b & c) | (b & d) | (c & d)) >>> 0;
  return (b ^ c ^ d) >>> 0;
}

function rotate(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
