/** How a batch of the data wire goes through a message port. */
import { NO_BUFFERS, type Payload } from "./payload.ts";

/** From here on moving a buffer beats copying it. */
const TRANSFER_BYTES = 64 * 1024;

/** A port, a worker, or the worker's own global scope. */
interface BatchTarget {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/**
 * Posts a batch: small bytes are copied, large ones change hands, and so do all buffers that go
 * along.
 */
export function postBatch(target: BatchTarget, { bytes, buffers }: Payload): void {
  const { buffer } = bytes;
  if (bytes.byteLength !== buffer.byteLength) {
    // Cloning a view clones all of its buffer.
    postBatch(target, { bytes: bytes.slice(), buffers });
    return;
  }
  const transfer = [...buffers];
  if (bytes.byteLength > TRANSFER_BYTES && buffer instanceof ArrayBuffer) transfer.push(buffer);
  target.postMessage(buffers.length === 0 ? bytes : { bytes, buffers }, transfer);
}

/** As {@link postBatch}, for a sender that may have to send the same buffers again. */
export function postBatchCopy(target: BatchTarget, { bytes, buffers }: Payload): void {
  if (buffers.length === 0) postBatch(target, { bytes, buffers });
  else postBatch(target, { bytes, buffers: buffers.map((buffer) => buffer.slice(0)) });
}

/** The batch in what a port delivered; undefined when it is none. */
export function readBatch(message: unknown): Payload | undefined {
  if (message instanceof Uint8Array) return { bytes: message, buffers: NO_BUFFERS };
  if (typeof message !== "object" || message === null) return undefined;
  const { bytes, buffers } = message as Partial<Record<string, unknown>>;
  if (!(bytes instanceof Uint8Array) || !Array.isArray(buffers)) return undefined;
  if (!buffers.every((buffer) => buffer instanceof ArrayBuffer)) return undefined;
  return { bytes, buffers };
}
