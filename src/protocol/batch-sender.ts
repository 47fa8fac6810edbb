/** One end of the data wire: messages are gathered, so that they travel a batch at a time. */
import { ByteWriter } from "./bytes.ts";
import type { Payload } from "./payload.ts";

/** A buffer that grew beyond this is not kept. */
const KEPT_WRITER_BYTES = 2 ** 20;
const WRITER_BYTES = 4096;

export class BatchSender<Message> {
  /** Whether somebody is about to flush, so that nothing need be scheduled. */
  isHeld = false;
  readonly #write: (writer: ByteWriter, message: Message) => void;
  readonly #post: (batch: Payload) => void;
  #writer = new ByteWriter(WRITER_BYTES);
  #isFlushDue = false;
  #isStopped = false;

  constructor(
    write: (writer: ByteWriter, message: Message) => void,
    post: (batch: Payload) => void,
  ) {
    this.#write = write;
    this.#post = post;
  }

  /** Sends a message with everything else that is sent in this turn, or with the next {@link flush}. */
  send(message: Message): void {
    this.#write(this.#writer, message);
    if (this.isHeld || this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flushDue);
  }

  /** Sends at once what has gathered. */
  flush(): void {
    if (this.#writer.length === 0 || this.#isStopped) return;
    const batch = this.#writer.takePayload();
    if (this.#writer.bytes.length > KEPT_WRITER_BYTES) this.#writer = new ByteWriter(WRITER_BYTES);
    this.#post(batch);
  }

  /** Nothing is sent from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  readonly #flushDue = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };
}
