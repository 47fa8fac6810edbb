/** The signals of a worker with which the parent shares no memory: a relay beside it reports them. */
import type { MailboxReply } from "../protocol/mailbox.ts";
import type { ActivityReport } from "../protocol/relay.ts";
import type { WorkerActivity, WorkerSignals } from "../protocol/signals.ts";

/** The way to the relay. */
export interface RelayLine {
  cancel(slot: number, runId: number): void;
  answer(callId: number, reply: MailboxReply): void;
  /** Asks for a report. */
  look(): void;
  /** The relay, which never has anything to do for long, has stopped answering. */
  onSilent(silentMs: number): void;
}

export interface ReportedSignalsOptions {
  /**
   * Whether what a worker has told arrives even when it ends without a word: from a pipe it does, a
   * connection may have lost it.
   */
  keepsLastWords?: boolean;
}

/** A run that was inside for so long is told of, whatever becomes of it, before another begins. */
const SETTLED_MS = 5;
/** A report that is older says nothing about now. */
const FRESH_MS = 1000;
/** A relay that does not answer for so long is not there any more. */
const SILENT_MS = 10_000;
/** Nor does it count when this thread looked less often meanwhile: its own mail may be waiting. */
const SILENT_LOOKS = 20;

export class ReportedSignals implements WorkerSignals {
  readonly #line: RelayLine;
  #latest: WorkerActivity | undefined;
  #entry = 0;
  #heardAtMs = 0;
  /** When the question was put that has no answer yet. */
  #askedAtMs: number | undefined;
  #unansweredLooks = 0;
  #hasEnded = false;
  readonly #keepsLastWords: boolean;
  #lastSeenRunId = 0;

  constructor(line: RelayLine, { keepsLastWords = false }: ReportedSignalsOptions = {}) {
    this.#line = line;
    this.#keepsLastWords = keepsLastWords;
  }

  lastSeenRunId(): number {
    return this.#keepsLastWords ? this.#lastSeenRunId : 0;
  }

  cancel(slot: number, runId: number): void {
    this.#line.cancel(slot, runId);
  }

  answer(callId: number, reply: MailboxReply): void {
    this.#line.answer(callId, reply);
  }

  /** Without shared memory calls into the host are told by message, before they are made. */
  hasCalledHost(): boolean {
    return false;
  }

  /** What the latest report says, and asks for the next one. */
  activity(): WorkerActivity | undefined {
    if (this.#hasEnded) return this.#latest;
    const now = performance.now();
    if (this.#askedAtMs === undefined) {
      this.#askedAtMs = now;
      this.#unansweredLooks = 0;
      this.#line.look();
    } else {
      const silentMs = now - this.#askedAtMs;
      const isSilent = ++this.#unansweredLooks > SILENT_LOOKS && silentMs > SILENT_MS;
      if (isSilent) this.#line.onSilent(Math.round(silentMs));
    }
    return this.#fresh(now);
  }

  #fresh(now: number): WorkerActivity | undefined {
    return now - this.#heardAtMs > FRESH_MS ? undefined : this.#latest;
  }

  /** The relay's answer. */
  report({ runId, entry, ageMs, polls }: ActivityReport): void {
    this.#heardAtMs = performance.now();
    this.#askedAtMs = undefined;
    const known = this.#latest;
    // Its clock may differ from this one, but an entry that was known is no newer than it was.
    const enteredAt =
      known?.runId === runId && this.#entry === entry
        ? known.enteredAt
        : (Date.now() - ageMs) & 0x7fff_ffff;
    this.#entry = entry;
    this.#latest = { runId, enteredAt, polls };
    this.#lastSeenRunId = ageMs >= SETTLED_MS ? runId : 0;
  }

  /** The worker ended by itself: what it did last, where that is known. */
  end(last: ActivityReport | undefined): void {
    if (this.#hasEnded) return;
    if (last === undefined) this.#latest = undefined;
    else this.report(last);
    this.#hasEnded = true;
  }

  /** The worker is ended, for what it was seen doing. */
  stop(): void {
    if (this.#hasEnded) return;
    this.#latest = this.#fresh(performance.now());
    this.#hasEnded = true;
  }
}
