/** How batches follow each other on a stream of bytes: lengths, the batch's bytes, its buffers. */
import { MalformedBytesError } from "./bytes.ts";
import type { Payload } from "./payload.ts";

const WORD_BYTES = 4;
/** The lengths of the bytes and of the list of buffers. */
const FIXED_WORDS = 2;
/** Up to here one write of a copy beats several writes. */
const JOINED_BYTES = 16 * 1024;
/** More than any batch can hold, since engines have 2 GiB of memory: such a length is no length. */
const MAXIMUM_BYTES = 2 ** 32;
const MAXIMUM_BUFFERS = 2 ** 20;

/** A batch as a stream carries it, in pieces to be written one after the other. */
export function frameOf({ bytes, buffers }: Payload): Uint8Array[] {
  const headBytes = (FIXED_WORDS + buffers.length) * WORD_BYTES;
  const isJoined = headBytes + bytes.length <= JOINED_BYTES;
  const first = new Uint8Array(isJoined ? headBytes + bytes.length : headBytes);
  const head = new DataView(first.buffer);
  head.setUint32(0, bytes.length, true);
  head.setUint32(WORD_BYTES, buffers.length, true);
  for (const [index, { byteLength }] of buffers.entries()) {
    head.setUint32((FIXED_WORDS + index) * WORD_BYTES, byteLength, true);
  }
  if (isJoined) first.set(bytes, headBytes);
  const rest = buffers.map((buffer) => new Uint8Array(buffer));
  return isJoined ? [first, ...rest] : [first, bytes, ...rest];
}

/** Puts batches together from what a stream delivers, in chunks of any size. */
export class FrameReader {
  readonly #onBatch: (batch: Payload) => void;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  /** How many bytes there must be before it is worth looking again. */
  #neededBytes = FIXED_WORDS * WORD_BYTES;

  constructor(onBatch: (batch: Payload) => void) {
    this.#onBatch = onBatch;
  }

  /** Takes a chunk. Throws a {@link MalformedBytesError} when no batch can begin like that. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#neededBytes) return;
    const held = this.#chunks.length === 1 ? chunk : joined(this.#chunks, this.#heldBytes);
    let offset = 0;
    for (;;) {
      const frame = readFrame(held, offset);
      if (typeof frame === "number") {
        this.#keep(held, offset, frame);
        return;
      }
      offset = frame.end;
      this.#onBatch(frame.batch);
    }
  }

  #keep(held: Uint8Array, offset: number, neededBytes: number): void {
    this.#neededBytes = neededBytes;
    this.#heldBytes = held.length - offset;
    this.#chunks = this.#heldBytes === 0 ? [] : [held.subarray(offset)];
  }
}

/** The batch at `offset`, or how many bytes there must be from there on to know more. */
function readFrame(held: Uint8Array, offset: number): { batch: Payload; end: number } | number {
  const available = held.length - offset;
  if (available < FIXED_WORDS * WORD_BYTES) return FIXED_WORDS * WORD_BYTES;
  const words = new DataView(held.buffer, held.byteOffset + offset, available);
  const byteLength = words.getUint32(0, true);
  const count = words.getUint32(WORD_BYTES, true);
  if (count > MAXIMUM_BUFFERS) throw new MalformedBytesError(`A batch has no ${count} buffers.`);
  const headBytes = (FIXED_WORDS + count) * WORD_BYTES;
  if (available < headBytes) return headBytes;
  const lengths = Array.from({ length: count }, (_, index) =>
    words.getUint32((FIXED_WORDS + index) * WORD_BYTES, true),
  );
  const neededBytes = lengths.reduce((sum, length) => sum + length, headBytes + byteLength);
  if (neededBytes > MAXIMUM_BYTES) {
    throw new MalformedBytesError(`A batch has no ${neededBytes} bytes.`);
  }
  if (available < neededBytes) return neededBytes;
  let at = offset + headBytes;
  const bytes = new Uint8Array(held.buffer, held.byteOffset + at, byteLength);
  at += byteLength;
  const buffers = lengths.map((length) => {
    const copy = held.buffer.slice(held.byteOffset + at, held.byteOffset + at + length);
    at += length;
    return copy as ArrayBuffer;
  });
  return { batch: { bytes, buffers }, end: at };
}

function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  const all = new Uint8Array(byteLength);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
