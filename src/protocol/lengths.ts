/** Frames one after the other on a stream of bytes, each behind its length. */
import { MalformedBytesError } from "./bytes.ts";

const WORD_BYTES = 4;

/** A frame with its length before it, in one piece: one write. */
export function withLength(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(WORD_BYTES + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length, true);
  bytes.set(frame, WORD_BYTES);
  return bytes;
}

/** Finds the frames in what a stream delivers, in chunks of any size. */
export class LengthReader {
  readonly #maxBytes: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  /** How many bytes there must be before it is worth looking again. */
  #neededBytes = WORD_BYTES;

  constructor(maxBytes: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxBytes = maxBytes;
    this.#onFrame = onFrame;
  }

  /** Takes a chunk. Throws a {@link MalformedBytesError} when a frame is longer than it may be. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#neededBytes) return;
    const held = this.#joined();
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    let at = 0;
    this.#neededBytes = WORD_BYTES;
    while (held.length - at >= WORD_BYTES) {
      const length = view.getUint32(at, true);
      if (length > this.#maxBytes) {
        throw new MalformedBytesError(`A frame has more than ${this.#maxBytes} bytes.`);
      }
      const end = at + WORD_BYTES + length;
      if (end > held.length) {
        this.#neededBytes = WORD_BYTES + length;
        break;
      }
      // Not a Buffer of Node, whose `slice()` is no copy.
      this.#onFrame(new Uint8Array(held.buffer, held.byteOffset + at + WORD_BYTES, length));
      at = end;
    }
    this.#heldBytes = held.length - at;
    this.#chunks = this.#heldBytes === 0 ? [] : [held.subarray(at)];
  }

  #joined(): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const all = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
