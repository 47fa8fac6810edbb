/**
 * Frames that are too large for one message of a WebSocket: cut into parts, and put together again.
 * Parts of one frame follow each other, but other messages of the connection may come in between.
 */
import { ByteReader, ByteWriter, MalformedBytesError } from "./bytes.ts";
import { HEADER_BYTES, KIND_AT, PART, readHeader, writeHeader } from "./remote-frames.ts";

/** A frame as the messages it is sent in: itself, or parts of at most `maxBytes`. */
export function messagesOf(
  frame: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Uint8Array<ArrayBuffer>[] {
  if (frame.length <= maxBytes) return [frame];
  const messages: Uint8Array<ArrayBuffer>[] = [];
  const roomBytes = maxBytes - HEADER_BYTES;
  for (let at = 0; at < frame.length; at += roomBytes) {
    const writer = new ByteWriter(HEADER_BYTES + Math.min(roomBytes, frame.length - at));
    // In place of a lane: how many bytes of the frame are still to come, this part's included.
    writeHeader(writer, PART, frame.length - at);
    writer.raw(frame.subarray(at, at + roomBytes));
    messages.push(writer.bytes.subarray(0, writer.length));
  }
  return messages;
}

/** Puts frames together from messages. */
export class PartReader {
  readonly #maxBytes: number;
  #frame: Uint8Array | undefined;
  #missingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frame that a message is, or completes. Throws {@link MalformedBytesError}. */
  push(message: Uint8Array): Uint8Array | undefined {
    if (message[KIND_AT] !== PART) {
      if (message.length <= this.#maxBytes) return plainBytes(message);
      throw new MalformedBytesError(`A frame has more than ${this.#maxBytes} bytes.`);
    }
    const leftBytes = readHeader(new ByteReader(message)).lane;
    const part = message.subarray(HEADER_BYTES);
    if (this.#frame === undefined) this.#begin(leftBytes);
    if (this.#missingBytes !== leftBytes || part.length === 0 || part.length > leftBytes) {
      throw new MalformedBytesError("A part does not continue the one before.");
    }
    const { frame } = this.#grown(part.length);
    frame.set(part, this.#at);
    this.#at += part.length;
    this.#missingBytes -= part.length;
    if (this.#missingBytes > 0) return undefined;
    this.#frame = undefined;
    return frame.subarray(0, this.#at);
  }

  #at = 0;

  #begin(totalBytes: number): void {
    if (totalBytes > this.#maxBytes) {
      throw new MalformedBytesError(`A frame has more than ${this.#maxBytes} bytes.`);
    }
    this.#missingBytes = totalBytes;
    this.#at = 0;
    this.#frame = new Uint8Array(0);
  }

  /** Room for so many more bytes: what a peer has only announced takes no memory. */
  #grown(count: number): { frame: Uint8Array } {
    const held = this.#frame ?? new Uint8Array(0);
    if (this.#at + count <= held.length) return { frame: held };
    const totalBytes = this.#at + this.#missingBytes;
    const frame = new Uint8Array(Math.min(totalBytes, Math.max(this.#at + count, held.length * 2)));
    frame.set(held.subarray(0, this.#at));
    this.#frame = frame;
    return { frame };
  }
}

/** Not a Buffer of Node, whose `slice()` is no copy. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
