/** What waits to be sent over a connection: in order, a bounded amount of it at a time. */
import { messagesOf } from "./parts.ts";

export interface OutboxOptions {
  /** The largest single message. */
  maxMessageBytes: number;
  /** All that may wait. */
  maxWaitingBytes: number;
  /** Hands a message to the connection, which calls `written` later, when it needs it no longer. */
  send(message: Uint8Array<ArrayBuffer>, written: () => void): void;
}

/** More would wait in the connection for nothing, where it cannot be counted. */
const WINDOW_BYTES = 4 * 2 ** 20;

/** The other end does not read what it is sent. */
export class OutboxFullError extends Error {
  override name = "OutboxFullError";
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  /** Given to the connection and not written yet. */
  #givenBytes = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that are not known to have left. */
  get pendingBytes(): number {
    return this.#givenBytes + this.#waitingBytes;
  }

  /**
   * Sends a frame, at once or when there is room. Throws {@link OutboxFullError}, or a `RangeError`
   * for a frame that never fits.
   */
  push(frame: Uint8Array<ArrayBuffer>): void {
    const { maxMessageBytes, maxWaitingBytes } = this.#options;
    const isFree = this.#waitingBytes === 0 && this.#givenBytes + frame.length <= WINDOW_BYTES;
    if (isFree && frame.length <= maxMessageBytes) {
      this.#give(frame);
      return;
    }
    if (frame.length > maxWaitingBytes) {
      const message = `${frame.length} bytes are more than may be sent at once (${maxWaitingBytes}).`;
      throw new RangeError(message);
    }
    if (this.#waitingBytes + frame.length > maxWaitingBytes) {
      const message = `More than ${maxWaitingBytes} bytes would wait to be sent.`;
      throw new OutboxFullError(message);
    }
    for (const message of messagesOf(frame, maxMessageBytes)) {
      this.#waiting.push(message);
      this.#waitingBytes += message.length;
    }
    this.#pump();
  }

  /** Forgets what waits: the connection is gone. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #pump(): void {
    let sent = 0;
    while (sent < this.#waiting.length && this.#givenBytes < WINDOW_BYTES) {
      const message = this.#waiting[sent++];
      if (message === undefined) break;
      this.#waitingBytes -= message.length;
      this.#give(message);
    }
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #give(message: Uint8Array<ArrayBuffer>): void {
    this.#givenBytes += message.length;
    this.#options.send(message, () => {
      this.#givenBytes -= message.length;
      if (this.#waiting.length > 0) this.#pump();
    });
  }
}
