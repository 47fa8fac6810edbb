/** The facade's options: their defaults, their checks, and what the pool makes of them. */
import type { Environment } from "../../environments/contract.ts";
import type { PoolOptions } from "../../pool/options.ts";

/** Options of `WorkerProcedureCall`, and of one `startWorkers()`, where they override. */
export interface WorkerProcedureCallOptions {
  /** Milliseconds from a call to its end, waiting included. Default 30,000. */
  call_timeout_ms?: number | undefined;
  /** Milliseconds a worker may take to install a definition. Default 10,000. */
  control_timeout_ms?: number | undefined;
  /** Milliseconds a worker may take to load and to start its engine. Default 10,000. */
  start_timeout_ms?: number | undefined;
  /** Milliseconds that `stopWorkers()` lets pending calls finish. Default 10,000. */
  stop_timeout_ms?: number | undefined;
  /** Whether workers that die are replaced. Default true. */
  restart_on_failure?: boolean | undefined;
  /** Replacements a worker gets until one has been healthy for a minute; 0 is none. Default 3. */
  max_restarts_per_worker?: number | undefined;
  /** Pending calls per worker beyond which calls are refused. Default 10,000. */
  max_pending_calls_per_worker?: number | undefined;
  /** Milliseconds before the first restart; doubled for each further one. Default 100. */
  restart_base_delay_ms?: number | undefined;
  /** The most milliseconds the doubling leads to. Default 5,000. */
  restart_max_delay_ms?: number | undefined;
  /** Up to this many milliseconds are added to each delay at random. Default 100. */
  restart_jitter_ms?: number | undefined;
}

/** Options with every default filled in. */
export type ProcedureCallSettings = {
  [Key in keyof WorkerProcedureCallOptions]-?: NonNullable<WorkerProcedureCallOptions[Key]>;
};

const DEFAULTS: ProcedureCallSettings = {
  call_timeout_ms: 30_000,
  control_timeout_ms: 10_000,
  start_timeout_ms: 10_000,
  stop_timeout_ms: 10_000,
  restart_on_failure: true,
  max_restarts_per_worker: 3,
  max_pending_calls_per_worker: 10_000,
  restart_base_delay_ms: 100,
  restart_max_delay_ms: 5_000,
  restart_jitter_ms: 100,
};

/** Options of which 0 is a sensible value. */
const MAY_BE_ZERO: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "max_restarts_per_worker",
  "restart_jitter_ms",
]);

/** Timers count milliseconds in 31 bits; a longer time than these 24 days is as good as this. */
const MAXIMUM_MS = 2 ** 31 - 1;

/** Calls sent to a worker at once; the rest waits here, where any worker can take it. */
const SENT_PER_WORKER = 64;

/** Checks options and puts them over others. Throws a plain `Error`. */
export function resolveSettings(
  options: WorkerProcedureCallOptions,
  fallback: ProcedureCallSettings = DEFAULTS,
): ProcedureCallSettings {
  if (typeof options !== "object" || options === null) {
    throw new Error("options must be an object.");
  }
  const settings: Record<string, unknown> = { ...fallback };
  for (const key of Object.keys(DEFAULTS)) {
    const value = options[key as keyof WorkerProcedureCallOptions];
    if (value === undefined) continue;
    if (key === "restart_on_failure") checkBoolean(key, value);
    else checkInteger(key, value, MAY_BE_ZERO.has(key) ? 0 : 1);
    settings[key] = value;
  }
  return settings as ProcedureCallSettings;
}

/** Refuses what is no integer of at least 0 or 1. */
export function checkInteger(label: string, value: unknown, minimum: 0 | 1): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= minimum) return;
  const kind = minimum === 0 ? "non-negative" : "positive";
  throw new Error(`${label} must be a ${kind} integer.`);
}

function checkBoolean(label: string, value: unknown): void {
  if (typeof value !== "boolean") throw new Error(`${label} must be a boolean.`);
}

/** The pool's options for these settings. */
export function poolOptions(
  settings: ProcedureCallSettings,
  workers: number,
  environment: string | Environment,
): PoolOptions {
  function milliseconds(key: keyof ProcedureCallSettings): number {
    return Math.min(settings[key] as number, MAXIMUM_MS);
  }
  return {
    workers,
    environment,
    isolation: "call",
    limits: { timeoutMs: milliseconds("call_timeout_ms") },
    // How many calls may be pending is for the facade to say.
    queue: { max: 0 },
    maxInFlightPerWorker: Math.min(settings.max_pending_calls_per_worker, SENT_PER_WORKER),
    startTimeoutMs: milliseconds("start_timeout_ms"),
    installTimeoutMs: milliseconds("control_timeout_ms"),
    closeTimeoutMs: milliseconds("stop_timeout_ms"),
    restart: {
      maxPerWorker: settings.restart_on_failure
        ? Math.min(settings.max_restarts_per_worker, MAXIMUM_MS)
        : 0,
      baseDelayMs: milliseconds("restart_base_delay_ms"),
      maxDelayMs: milliseconds("restart_max_delay_ms"),
      jitterMs: milliseconds("restart_jitter_ms"),
      // Calls that were only near a worker's end run again; the one inside is told how it ended.
      maxAttemptsPerRun: 1,
    },
    // Callers of this interface know no such error.
    quarantine: false,
  };
}
