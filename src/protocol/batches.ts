/** How a batch of the data wire goes through a message port. */

/** From here on moving a buffer beats copying it. */
const TRANSFER_BYTES = 64 * 1024;

/** A port, a worker, or the worker's own global scope. */
interface BatchTarget {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** Posts a batch: a small one is copied, a large one changes hands. */
export function postBatch(target: BatchTarget, batch: Uint8Array): void {
  const { buffer } = batch;
  if (batch.byteLength !== buffer.byteLength) {
    // Cloning a view clones all of its buffer.
    postBatch(target, batch.slice());
  } else if (batch.byteLength > TRANSFER_BYTES && buffer instanceof ArrayBuffer) {
    target.postMessage(batch, [buffer]);
  } else {
    target.postMessage(batch, []);
  }
}
