/** Options of sessions, checked. */
import type { Environment } from "../environments/contract.ts";
import type { EngineName } from "../protocol/control.ts";
import { callLimits, LIMIT_KEYS, type LimitOptions, type Limits } from "./limits.ts";
import { checkKeys, group, invalid, MAXIMUM_MS, whole } from "./option-checks.ts";

/** Options of a session. */
export interface SessionOptions {
  /** Of each of its runs; what is not named is the pool's. `memoryBytes` holds for the session. */
  limits?: LimitOptions | undefined;
  /**
   * What becomes of the session when a run reaches a limit or is aborted. `"rollback"` (default):
   * it is what it was before that run. `"end"`: it ends, and runs start a little quicker.
   */
  onLimit?: "rollback" | "end" | undefined;
  /**
   * `"each-run"`: the pool keeps the state after every run, and the session survives the loss of
   * its worker and failures of the engine; runs resolve when that is done. Default `"never"`.
   */
  checkpoint?: "never" | "each-run" | undefined;
  /**
   * Milliseconds without a run after which the session hibernates: its state is kept compressed
   * and its sandbox serves others, until its next run. 0 is never. Default 60,000.
   */
  idleMs?: number | undefined;
}

export interface SessionSettings {
  limits: Limits;
  onLimit: "rollback" | "end";
  checkpoint: "never" | "each-run";
  idleMs: number;
}

/** Throws `invalid-argument`. */
export function resolveSession(
  options: SessionOptions,
  pool: { limits: Limits; environment: Environment; engine: EngineName },
): SessionSettings {
  checkKeys(options, "session", ["limits", "onLimit", "checkpoint", "idleMs"]);
  const { onLimit = "rollback", checkpoint = "never" } = options;
  if (onLimit !== "rollback" && onLimit !== "end") {
    throw invalid('onLimit must be "rollback" or "end".');
  }
  if (checkpoint !== "never" && checkpoint !== "each-run") {
    throw invalid('checkpoint must be "never" or "each-run".');
  }
  const given = group(options.limits, "limits", LIMIT_KEYS);
  return {
    limits: callLimits(given, pool.limits, pool.environment.stackBytes[pool.engine]),
    onLimit,
    checkpoint,
    idleMs: whole(options.idleMs, "idleMs", 60_000, { min: 0, max: MAXIMUM_MS }),
  };
}
