/** The one end of every run: its promise, its receipt, the counters and the event. */
import type { SkepError } from "../errors.ts";
import type { FailedMessage, RunCost } from "../protocol/messages.ts";
import type { Receipt } from "../receipt.ts";
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import { abortedError, failureOf, receiptOf } from "./outcome.ts";
import type { Explain } from "./place.ts";
import type { Run, RunOutcome } from "./run.ts";
import { Histogram } from "./statistics.ts";

export class Settlement {
  readonly waitMs: Histogram = new Histogram();
  readonly runMs: Histogram = new Histogram();
  completed = 0;
  failed = 0;
  refused = 0;

  constructor(
    readonly clock: Clock,
    readonly events: EventEmitter,
    readonly explain?: Explain,
  ) {}

  /** A run ended with a value in its worker. */
  succeed(run: Run, value: unknown, cost: RunCost, bytesOut: number): void {
    const now = this.clock.now();
    this.#measure(run, cost, now);
    if (run.cancelledAtMs !== undefined) {
      // The caller has asked for a rejection, however close the race was.
      this.fail(run, abortedError(run, receiptOf(run, now, cost, bytesOut)));
      return;
    }
    this.completed++;
    run.phase = "settled";
    detach(run);
    if (run.wantsOutcome) {
      const receipt = receiptOf(run, now, cost, bytesOut);
      run.resolve({ ok: true, value, receipt } satisfies RunOutcome);
    } else {
      run.resolve(value);
    }
    if (this.events.has("run-settled")) {
      this.#report(run, true, receiptOf(run, now, cost, bytesOut));
    }
  }

  /** The error a run that failed in its worker settles with. Throws when its bytes are malformed. */
  failure(run: Run, message: FailedMessage): SkepError {
    const now = this.clock.now();
    const receipt = receiptOf(run, now, message.cost, message.thrown.length);
    if (run.cancelledAtMs !== undefined) return abortedError(run, receipt);
    return failureOf(run, message, receipt, this.explain);
  }

  /** A run ended with an error in its worker. */
  failInWorker(run: Run, error: SkepError, cost: RunCost): void {
    this.#measure(run, cost, this.clock.now());
    this.fail(run, error);
  }

  /** An accepted run ends with an error. */
  fail(run: Run, error: SkepError): void {
    this.failed++;
    this.#reject(run, error);
  }

  /** A run is not accepted. */
  refuse(run: Run, error: SkepError): void {
    this.refused++;
    this.#reject(run, error);
  }

  /** The receipt of a run that settles now without its worker's account. */
  receipt(run: Run): Receipt {
    return receiptOf(run, this.clock.now(), undefined, 0);
  }

  #measure(run: Run, cost: RunCost, now: number): void {
    this.runMs.add(cost.wallMs);
    this.waitMs.add(Math.max(0, now - run.submittedAtMs - cost.wallMs));
  }

  #reject(run: Run, error: SkepError): void {
    run.phase = "settled";
    detach(run);
    const receipt = error.receipt ?? this.receipt(run);
    if (run.wantsOutcome) {
      run.resolve({ ok: false, error, receipt } satisfies RunOutcome);
    } else {
      run.reject(error);
    }
    if (this.events.has("run-settled")) this.#report(run, false, receipt);
  }

  #report(run: Run, ok: boolean, receipt: Receipt): void {
    const { id: runId, workerId, name } = run;
    this.events.emit("run-settled", { runId, workerId, name, ok, receipt });
  }
}

function detach(run: Run): void {
  run.worker = undefined;
  run.onSettled?.();
  run.onSettled = undefined;
  run.stopWatching?.();
  run.stopWatching = undefined;
  run.stopClock?.();
  run.stopClock = undefined;
}
