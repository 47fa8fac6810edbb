/** The calls of one start: who is let in, how long they may take, and how they end. */
import { GuestError, type SkepError } from "../../errors.ts";
import type { PoolCore } from "../../pool/core.ts";
import { Run } from "../../pool/run.ts";
import type { Payload } from "../../protocol/payload.ts";
import { encodeArguments } from "../../protocol/values/inbound.ts";
import {
  missingRequirement,
  noReadyWorkers,
  notSerializable,
  saturated,
  thrownError,
  timedOut,
  undefinedFunction,
} from "./errors.ts";
import { describeError, type WorkerEvents } from "./events.ts";
import type { ProcedureCallSettings } from "./options.ts";

/** Failures that a worker reports of a call; all others are the parent's. */
const WORKER_FAILURES: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "guest-error",
  "timeout",
  "memory-exceeded",
  "stack-exceeded",
  "output-exceeded",
  "not-marshallable",
]);

export class Calls {
  readonly #core: PoolCore;
  readonly #settings: ProcedureCallSettings;
  readonly #events: WorkerEvents;
  /** The worker that was lost last. Its calls are rejected before another one can be lost. */
  #lost = { workerId: 0, message: "" };
  readonly #timeoutMs: number;
  /** Calls whose callers still wait. One that timed out may take its worker a moment longer. */
  #pending = 0;

  constructor(core: PoolCore, settings: ProcedureCallSettings, events: WorkerEvents) {
    this.#core = core;
    this.#settings = settings;
    this.#events = events;
    this.#timeoutMs = core.settings.limits.timeoutMs;
    core.events.on("worker-lost", ({ workerId, exitCode, reason }) => {
      const how = exitCode === undefined ? `was lost: ${reason}` : `exited with code ${exitCode}.`;
      this.#lost = { workerId, message: `Worker ${workerId} ${how}` };
    });
  }

  /** Calls a function. `correlation` tells its events from those of other calls. */
  call(name: string, args: readonly unknown[], correlation: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { dispatcher, clock, settings } = this.#core;
      // What is thrown in here rejects the promise.
      this.#checkAdmission(name);
      const target = { type: "function", name, args: encode(name, args) } as const;
      const run = new Run(dispatcher.inFlight.nextRunId(), target, settings.limits, clock.now());
      let isPending = true;
      const finish = (): void => {
        if (isPending) this.#pending--;
        isPending = false;
        cancelDeadline();
      };
      const cancelDeadline = clock.schedule(
        this.#timeoutMs,
        () => {
          // The caller has waited long enough, whatever the call still takes to end.
          finish();
          reject(timedOut(name, this.#settings.call_timeout_ms));
          dispatcher.abort(run);
        },
        { keepAlive: false },
      );
      run.resolve = (value) => {
        finish();
        resolve(value);
      };
      run.reject = (failure) => {
        finish();
        const error = this.#errorOf(run, failure);
        this.#report(run, failure, error, correlation);
        reject(error);
      };
      this.#pending++;
      dispatcher.submit(run);
    });
  }

  #checkAdmission(name: string): void {
    const { registry, supervisor } = this.#core;
    const admission = registry.admission(name);
    if (admission === undefined) throw undefinedFunction(name);
    if (admission.missing !== undefined) throw missingRequirement(name, admission.missing);
    const workers = supervisor.seats.filter((seat) => seat.state !== "stopped").length;
    if (workers === 0) throw noReadyWorkers(name);
    // Work goes to whoever has least, so all have as many as allowed when together they do.
    const limit = this.#settings.max_pending_calls_per_worker;
    if (this.#pending >= limit * workers) throw saturated(name, limit);
  }

  #errorOf(run: Run, failure: SkepError): Error {
    const { name } = run;
    if (failure instanceof GuestError) return thrownError(failure);
    switch (failure.code) {
      case "timeout":
      case "aborted":
        return timedOut(name, this.#settings.call_timeout_ms);
      case "unknown-function":
        return undefinedFunction(name);
      case "missing-dependency":
      case "missing-constant": {
        const missing = this.#core.registry.admission(name)?.missing;
        return missing === undefined ? undefinedFunction(name) : missingRequirement(name, missing);
      }
      case "worker-lost":
        if (run.attempts === 0) return noReadyWorkers(name);
        if (run.workerId !== this.#lost.workerId) break;
        return new Error(this.#lost.message, { cause: failure });
      case "closed":
        return new Error(`Workers were stopped before the call to "${name}" ended.`);
      default:
    }
    return new Error(failure.message, { cause: failure });
  }

  #report(run: Run, failure: SkepError, error: Error, correlation: string): void {
    const wasCut = failure.code === "aborted" && run.attempts > 0;
    if (!wasCut && !WORKER_FAILURES.has(failure.code)) return;
    this.#events.worker(run.workerId, "call_execution_failed", "error", {
      correlation_id: correlation,
      error: describeError(error),
      details: { function_name: run.name },
    });
  }
}

function encode(name: string, args: readonly unknown[]): Payload {
  try {
    return encodeArguments(args);
  } catch (error) {
    throw notSerializable(`Argument list of "${name}"`, error);
  }
}
