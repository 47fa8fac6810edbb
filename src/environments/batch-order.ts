/** Batches that come over two connections, in the order in which they were sent, each once. */
import { MalformedBytesError } from "../protocol/bytes.ts";
import { type Payload, payloadBytes } from "../protocol/payload.ts";

/** How many may be ahead of one that is missing. */
const MAXIMUM_AHEAD = 4_096;

export class BatchOrder {
  readonly #deliver: (batch: Payload) => void;
  readonly #maxAheadBytes: number;
  readonly #ahead = new Map<number, Payload>();
  #aheadBytes = 0;
  #next = 1;

  constructor(maxAheadBytes: number, deliver: (batch: Payload) => void) {
    this.#maxAheadBytes = maxAheadBytes;
    this.#deliver = deliver;
  }

  /** Takes a batch. Throws {@link MalformedBytesError} when too many are ahead. */
  push(order: number, batch: Payload): void {
    if (order < this.#next) return;
    if (order > this.#next) {
      if (this.#ahead.has(order)) return;
      this.#aheadBytes += payloadBytes(batch);
      if (order > this.#next + MAXIMUM_AHEAD || this.#aheadBytes > this.#maxAheadBytes) {
        throw new MalformedBytesError("A batch is too far ahead of those before it.");
      }
      this.#ahead.set(order, batch);
      return;
    }
    this.#next++;
    this.#deliver(batch);
    if (this.#ahead.size > 0) this.#catchUp();
  }

  #catchUp(): void {
    for (;;) {
      const batch = this.#ahead.get(this.#next);
      if (batch === undefined) return;
      this.#ahead.delete(this.#next++);
      this.#aheadBytes -= payloadBytes(batch);
      this.#deliver(batch);
    }
  }
}
