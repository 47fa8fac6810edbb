/**
 * Where a worker that blocks in a synchronous host call gets its reply: it cannot receive messages
 * then. Shared memory that the parent grows to whatever the reply takes.
 */
import { NO_BUFFERS, type Payload } from "./payload.ts";

const STATE = 0;
const CALL_ID = 1;
const SUCCEEDED = 2;
const BYTES = 3;
const HEADER_BYTES = 16;
const INITIAL_BYTES = 65_536;
/** The largest reply with its header: 64 MiB, reserved but not used until it is needed. */
const MAXIMUM_BYTES = 2 ** 26;

const EMPTY = 0;
const FULL = 1;

/** The reply to a synchronous host call. */
export interface MailboxReply {
  succeeded: boolean;
  payload: Payload;
}

/** Both ends' view of one worker's mailbox. */
export class Mailbox {
  readonly #words: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  }

  static create(): Mailbox {
    // Not a WebAssembly.Memory, which grows as well: each of those takes 10 GB of address space.
    return new Mailbox(new SharedArrayBuffer(INITIAL_BYTES, { maxByteLength: MAXIMUM_BYTES }));
  }

  /** Worker: makes ready for a reply. */
  open(): void {
    Atomics.store(this.#words, STATE, EMPTY);
  }

  /** Worker: blocks until the reply to `callId` is there, `timeoutMs` at most. */
  wait(callId: number, timeoutMs: number): MailboxReply | undefined {
    const words = this.#words;
    Atomics.wait(words, STATE, EMPTY, timeoutMs);
    if (Atomics.load(words, STATE) !== FULL) return undefined;
    if (Atomics.load(words, CALL_ID) !== callId) {
      // A reply to an earlier call that was given up.
      this.open();
      return undefined;
    }
    const shared = new Uint8Array(this.buffer, HEADER_BYTES, Atomics.load(words, BYTES));
    const payload = { bytes: shared.slice(), buffers: NO_BUFFERS };
    return { succeeded: Atomics.load(words, SUCCEEDED) === 1, payload };
  }

  /** Parent: puts a reply without buffers in. False when it is larger than the mailbox can be. */
  post(callId: number, reply: MailboxReply): boolean {
    const { bytes } = reply.payload;
    const neededBytes = HEADER_BYTES + bytes.length;
    if (neededBytes > this.buffer.byteLength) {
      try {
        this.buffer.grow(neededBytes);
      } catch {
        return false;
      }
    }
    new Uint8Array(this.buffer, HEADER_BYTES).set(bytes);
    const words = this.#words;
    Atomics.store(words, CALL_ID, callId);
    Atomics.store(words, SUCCEEDED, reply.succeeded ? 1 : 0);
    Atomics.store(words, BYTES, bytes.length);
    Atomics.store(words, STATE, FULL);
    Atomics.notify(words, STATE);
    return true;
  }
}
