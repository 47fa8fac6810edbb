/** What the worker says of its runs: gathered, so that the parent gets it a batch at a time. */
import { ByteWriter } from "../protocol/bytes.ts";
import type { MessageFromWorker } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import { writeFromWorker } from "../protocol/wire.ts";

/** A batch buffer that grew beyond this is not kept. */
const KEPT_WRITER_BYTES = 2 ** 20;

export class BatchSender {
  /** Whether somebody is about to flush, so that nothing need be scheduled. */
  isHeld = false;
  readonly #post: (batch: Payload) => void;
  #writer = new ByteWriter(4096);
  #isFlushDue = false;
  #isStopped = false;

  constructor(post: (batch: Payload) => void) {
    this.#post = post;
  }

  /** Sends a message at the end of this turn, or with the next {@link flush}. */
  send(message: MessageFromWorker): void {
    writeFromWorker(this.#writer, message);
    if (this.isHeld || this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.flush();
    });
  }

  /** Sends at once what has gathered. */
  flush(): void {
    if (this.#writer.length === 0 || this.#isStopped) return;
    this.#post(this.#writer.takePayload());
    if (this.#writer.bytes.length > KEPT_WRITER_BYTES) this.#writer = new ByteWriter(4096);
  }

  stop(): void {
    this.#isStopped = true;
  }
}
