/** The one end of every run: its promise, its receipt, the counters and the event. */
import { attachReceipt, type SkepError, type SkepErrorCode } from "../errors.ts";
import type { FailedMessage, RunCost } from "../protocol/messages.ts";
import type { Receipt } from "../receipt.ts";
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import { abortedError, bytesInOf, bytesOutOf, failureOf, receiptOf } from "./outcome.ts";
import type { Explain } from "./place.ts";
import type { Run, RunOutcome } from "./run.ts";
import { Histogram, type RunTotals } from "./statistics.ts";
import { addRun, NamedSums, noSums, type RunSums } from "./sums.ts";

export class Settlement {
  readonly waitMs: Histogram = new Histogram();
  readonly runMs: Histogram = new Histogram();
  readonly #functions: NamedSums = new NamedSums();
  readonly #keys: NamedSums = new NamedSums();
  readonly #evaluations: RunSums = noSums();
  readonly #errors: Map<SkepErrorCode, number> = new Map();
  /** Called after each run that settles, while somebody waits for that. */
  onSettled: (() => void) | undefined;
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
    // A session is by now what the run has made of it: its caller must not hear otherwise.
    if (run.cancelledAtMs !== undefined && run.session === undefined) {
      // The caller has asked for a rejection, however close the race was.
      this.fail(run, abortedError(run, receiptOf(run, now, cost, bytesOut)));
      return;
    }
    this.completed++;
    this.#sum(run, false, cost, bytesInOf(run, cost), bytesOutOf(run, cost, bytesOut));
    run.phase = "settled";
    detach(run, undefined);
    const { trace, wantsOutcome } = run;
    const isReported = this.events.has("run-settled");
    // Most runs have nobody who reads their receipt.
    if (!wantsOutcome && !isReported && trace === undefined) run.resolve(value);
    else {
      const receipt = receiptOf(run, now, cost, bytesOut);
      run.resolve(wantsOutcome ? ({ ok: true, value, receipt } satisfies RunOutcome) : value);
      trace?.end({ receipt, settledAtMs: now, code: undefined, wasAccepted: true });
      if (isReported) this.#report(run, true, receipt);
    }
    this.onSettled?.();
  }

  /** The error a run that failed in its worker settles with. Throws when its bytes are malformed. */
  failure(run: Run, message: FailedMessage): SkepError {
    const now = this.clock.now();
    const receipt = receiptOf(run, now, message.cost, message.thrown.length);
    const isKept = run.session?.keepsAfter(message.code);
    if (run.cancelledAtMs !== undefined && !isKept) return abortedError(run, receipt);
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
    const receipt = this.#reject(run, error);
    this.#sum(run, true, receipt, receipt.bytesIn, receipt.bytesOut);
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

  /** The part of the pool's statistics that is added up here. */
  totals(): RunTotals {
    return {
      errors: Object.fromEntries(this.#errors),
      functions: this.#functions.summary(),
      otherFunctions: { ...this.#functions.others },
      evaluations: { ...this.#evaluations },
      keys: this.#keys.summary(),
      otherKeys: { ...this.#keys.others },
    };
  }

  #sum(run: Run, hasFailed: boolean, cost: RunCost, bytesIn: number, bytesOut: number): void {
    const { target, key } = run;
    const sums = target.type === "function" ? this.#functions.of(target.name) : this.#evaluations;
    addRun(sums, hasFailed, cost, bytesIn, bytesOut);
    if (key !== undefined) addRun(this.#keys.of(key), hasFailed, cost, bytesIn, bytesOut);
  }

  #reject(run: Run, error: SkepError): Receipt {
    const wasAccepted = run.phase !== "submitted";
    run.phase = "settled";
    detach(run, error.code);
    const receipt = error.receipt ?? attachReceipt(error, this.receipt(run));
    this.#errors.set(error.code, (this.#errors.get(error.code) ?? 0) + 1);
    if (run.wantsOutcome) {
      run.resolve({ ok: false, error, receipt } satisfies RunOutcome);
    } else {
      run.reject(error);
    }
    const { code } = error;
    run.trace?.end({ receipt, settledAtMs: this.clock.now(), code, wasAccepted });
    if (this.events.has("run-settled")) this.#report(run, false, receipt);
    this.onSettled?.();
    return receipt;
  }

  #report(run: Run, ok: boolean, receipt: Receipt): void {
    const { id: runId, workerId, name } = run;
    this.events.emit("run-settled", { runId, workerId, name, ok, receipt });
  }
}

function detach(run: Run, code: SkepErrorCode | undefined): void {
  run.session?.onRunSettled(run, code);
  run.worker = undefined;
  run.onSettled?.();
  run.onSettled = undefined;
  run.files?.discard();
  run.files = undefined;
  run.stopWatching?.();
  run.stopWatching = undefined;
  run.stopClock?.();
  run.stopClock = undefined;
}
