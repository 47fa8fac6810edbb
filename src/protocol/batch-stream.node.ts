/** Batches over a stream of Node that goes both ways. */
import type { Duplex } from "node:stream";
import { FrameReader, frameOf } from "./frames.ts";
import type { Payload } from "./payload.ts";

/** Who is told what arrives. */
export interface BatchListener {
  onBatch(batch: Payload): void;
  /** What arrived makes no sense, or a batch of it could not be taken. */
  onBroken(error: unknown): void;
}

/** Reads batches from a stream for good, and returns what sends them. Bytes are read when they go out. */
export function batchesOver(stream: Duplex, listener: BatchListener): (batch: Payload) => void {
  const reader = new FrameReader((batch) => listener.onBatch(batch));
  stream.on("data", (chunk: Uint8Array) => {
    try {
      reader.push(chunk);
    } catch (error) {
      stream.destroy();
      listener.onBroken(error);
    }
  });
  // The other end is gone: whoever owns the stream hears of that elsewhere.
  stream.on("error", () => {});
  return (batch) => {
    if (!stream.writable) return;
    const pieces = frameOf(batch);
    if (pieces.length > 1) stream.cork();
    for (const piece of pieces) stream.write(piece);
    if (pieces.length > 1) stream.uncork();
  };
}
