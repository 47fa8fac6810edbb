/** Batches over streams of Node, each of which goes one way. */
import { writeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { FrameReader, frameOf } from "./frames.ts";
import type { Payload } from "./payload.ts";

/** Who is told what arrives. */
export interface BatchListener {
  onBatch(batch: Payload): void;
  /** What arrived makes no sense, or a batch of it could not be taken. Nothing follows. */
  onBroken(error: unknown): void;
}

/** How long to wait for a reader, on a platform where writing does not do that itself. */
const RETRY_MS = 1;

/** Reads batches from a stream for good. */
export function receiveBatches(stream: Readable, listener: BatchListener): void {
  const reader = new FrameReader((batch) => listener.onBatch(batch));
  stream.on("data", (chunk: Uint8Array) => {
    try {
      reader.push(chunk);
    } catch (error) {
      stream.destroy();
      listener.onBroken(error);
    }
  });
  ignoreErrors(stream);
}

/** Sends batches over a stream, which reads their bytes when they go out. */
export function batchSender(stream: Writable): (batch: Payload) => void {
  ignoreErrors(stream);
  return (batch) => {
    if (!stream.writable) return;
    const pieces = frameOf(batch);
    if (pieces.length > 1) stream.cork();
    for (const piece of pieces) stream.write(piece);
    if (pieces.length > 1) stream.uncork();
  };
}

/**
 * Writes a batch to a file descriptor, and returns when all of it is there: a thread that blocks
 * afterwards, or dies, has sent it.
 */
export function writeBatch(fd: number, batch: Payload): void {
  for (const piece of frameOf(batch)) {
    for (let offset = 0; offset < piece.length;) {
      try {
        offset += writeSync(fd, piece, offset);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The parent is gone, and this process about to end.
        if (code === "EPIPE") return;
        if (code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  }
}

/** The other end is gone: whoever owns the stream hears of that elsewhere. */
function ignoreErrors(stream: Readable | Writable): void {
  stream.on("error", () => {});
}
