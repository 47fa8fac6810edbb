/**
 * The shared signal block: what parent and worker tell each other without messages, so that it
 * arrives even while guest code spins. One per worker, an Int32Array over a SharedArrayBuffer.
 */

import { Mailbox, type MailboxReply } from "./mailbox.ts";
import { NO_BUFFERS } from "./payload.ts";
import { encodeArray } from "./values/inbound.ts";

/** Index of each word. Written by the worker unless said otherwise. */
const RUNNING_RUN = 0;
const ENTERED_AT = 1;
const POLLS = 2;
/**
 * Two words for each run slot from here on: the id of the run to interrupt, written by the parent,
 * and the id of the run that has called into the host, written by the worker.
 */
const SLOT_WORDS = 8;
const WORDS_PER_SLOT = 2;

/** The smallest and the usual number of run slots; see {@link createSignals}. */
const MINIMUM_SLOTS = 64;

/** What a worker is doing right now, read without asking it. */
export interface WorkerActivity {
  /** The run inside the engine, 0 when none is. */
  runId: number;
  /** When it entered the engine: whole milliseconds of `Date.now()`, modulo 2^31. */
  enteredAt: number;
  /** Interrupt polls since the worker started, modulo 2^32: stands still while a native hangs. */
  polls: number;
}

/**
 * What passes between the parent and a worker besides the batches, and arrives even while guest code
 * spins. Where they share memory it is the signal block itself; a worker in another process has a
 * relay beside it that does.
 */
export interface WorkerSignals {
  /** Asks the run in `slot` to end. Inert where another run has the slot by now. */
  cancel(slot: number, runId: number): void;
  /** Answers the synchronous host call that the worker waits for. The reply has no buffers. */
  answer(callId: number, reply: MailboxReply): void;
  /**
   * Whether the run in `slot` has left a mark of having called into the host. Where there is no
   * shared memory the worker says so by message, before the call.
   */
  hasCalledHost(slot: number, runId: number): boolean;
  /** What the worker is doing; undefined while that is not known. */
  activity(): WorkerActivity | undefined;
  /**
   * The run that was inside the engine when that was last seen, 0 when none was. Unless it has ended
   * or waits, which is told before another run begins, no run that was sent after it has begun. Only
   * there where that holds for workers that end without a word.
   */
  lastSeenRunId?(): number;
}

/** Both ends' view of one worker's signal block. */
export class Signals implements WorkerSignals {
  readonly #words: Int32Array;

  constructor(
    readonly buffer: SharedArrayBuffer,
    /** Where replies to synchronous host calls arrive. */
    readonly mailbox: Mailbox,
  ) {
    this.#words = new Int32Array(buffer);
  }

  /** Worker: a run enters the engine. */
  enter(runId: number): void {
    Atomics.store(this.#words, ENTERED_AT, Date.now() & 0x7fff_ffff);
    Atomics.store(this.#words, RUNNING_RUN, runId);
  }

  /** Worker: no run is inside the engine. */
  leave(): void {
    Atomics.store(this.#words, RUNNING_RUN, 0);
  }

  /** Worker: one interrupt poll of the run in `slot`; true when the parent wants it to end. */
  poll(slot: number, runId: number): boolean {
    // Only this thread writes the counter, so load and store need not be one step.
    this.#words[POLLS] = (this.#words[POLLS] ?? 0) + 1;
    return Atomics.load(this.#words, SLOT_WORDS + slot * WORDS_PER_SLOT) === runId;
  }

  /** Parent: asks the run in `slot` to end. A flag for an older run in the same slot is inert. */
  cancel(slot: number, runId: number): void {
    Atomics.store(this.#words, SLOT_WORDS + slot * WORDS_PER_SLOT, runId);
  }

  /** Parent: answers a synchronous host call, with a refusal where the reply is too large. */
  answer(callId: number, reply: MailboxReply): void {
    if (this.mailbox.post(callId, reply)) return;
    const message =
      "The result is larger than a synchronous call can take: use the asynchronous one.";
    const payload = { bytes: encodeArray(["RangeError", message], "error"), buffers: NO_BUFFERS };
    this.mailbox.post(callId, { succeeded: false, payload });
  }

  /** Worker: the run in `slot` is about to call into the host, which cannot be undone. */
  markHostCall(slot: number, runId: number): void {
    Atomics.store(this.#words, SLOT_WORDS + slot * WORDS_PER_SLOT + 1, runId);
  }

  /** Either: whether the run in `slot` has called into the host. */
  hasCalledHost(slot: number, runId: number): boolean {
    return Atomics.load(this.#words, SLOT_WORDS + slot * WORDS_PER_SLOT + 1) === runId;
  }

  /** Parent: what the worker is doing. */
  activity(): WorkerActivity {
    return {
      runId: Atomics.load(this.#words, RUNNING_RUN),
      enteredAt: Atomics.load(this.#words, ENTERED_AT),
      polls: Atomics.load(this.#words, POLLS),
    };
  }
}

/**
 * A signal block with room for `slots` runs, or undefined where the platform
 * has no SharedArrayBuffer (a page that is not cross-origin isolated).
 */
export function createSignals(slots: number): Signals | undefined {
  if (typeof SharedArrayBuffer === "undefined") return undefined;
  const words = SLOT_WORDS + Math.max(slots, MINIMUM_SLOTS) * WORDS_PER_SLOT;
  const buffer = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
  return new Signals(buffer, Mailbox.create());
}

/** A signal block as it is handed to a worker: both parts are shared, not copied. */
export interface SharedSignals {
  buffer: SharedArrayBuffer;
  mailbox: SharedArrayBuffer;
}

/** What to hand to a worker. */
export function shareSignals(signals: Signals | undefined): SharedSignals | undefined {
  return signals && { buffer: signals.buffer, mailbox: signals.mailbox.buffer };
}

/** The worker's view of what it was handed. */
export function receiveSignals(shared: SharedSignals | undefined): Signals | undefined {
  return shared && new Signals(shared.buffer, new Mailbox(shared.mailbox));
}

/** Milliseconds since `enteredAt` of {@link WorkerActivity}, right across its wrap-around. */
export function sinceEntered(enteredAt: number, nowMs: number): number {
  return ((nowMs & 0x7fff_ffff) - enteredAt) & 0x7fff_ffff;
}
