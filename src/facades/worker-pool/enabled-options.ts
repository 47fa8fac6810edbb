/** Options of `newWorkerEnabledContext`, checked. */
import { display } from "../../pool/option-checks.ts";
import {
  invalid,
  OPTION_KEYS,
  resolveSettings,
  type WorkerPoolOptions,
  type WorkerPoolSettings,
} from "./options.ts";

/** Where `evalCodeAsync()` evaluates. */
export type EvalStrategy = "workers" | "local" | "auto";

/** Options of a context: those of its pool, and its own. */
export interface WorkerEnabledContextOptions extends WorkerPoolOptions {
  /** Do without a local context, and without the package it needs. Default false. */
  workerOnly?: boolean | undefined;
  /** Evaluate in one sandbox whose state persists, one after the other. Default false. */
  useSession?: boolean | undefined;
  /**
   * `"workers"` (default); `"local"`: in the local context, whose state persists; `"auto"`: locally
   * when the code names something that only the local context has, such as a function made with
   * `newFunction()`, else in workers.
   */
  evalStrategy?: EvalStrategy | undefined;
}

export interface EnabledSettings {
  pool: WorkerPoolSettings;
  isWorkerOnly: boolean;
  usesSession: boolean;
  strategy: EvalStrategy;
}

const OWN_KEYS = ["workerOnly", "useSession", "evalStrategy"];
const LABEL = "newWorkerEnabledContext";

/** Throws `invalid-argument`. */
export function resolveEnabled(options: WorkerEnabledContextOptions): EnabledSettings {
  const pool = resolveSettings(options, LABEL, [...OPTION_KEYS, ...OWN_KEYS]);
  const { workerOnly, useSession, evalStrategy = "workers" } = options;
  for (const [key, value] of Object.entries({ workerOnly, useSession })) {
    if (value === undefined || typeof value === "boolean") continue;
    throw invalid(`${key} must be true or false, not ${display(value)}.`);
  }
  if (!["workers", "local", "auto"].includes(evalStrategy)) {
    throw invalid(
      `evalStrategy must be "workers", "local" or "auto", not ${display(evalStrategy)}.`,
    );
  }
  if (workerOnly === true && evalStrategy === "local") {
    throw invalid('With workerOnly there is no local context for evalStrategy: "local".');
  }
  return {
    pool,
    isWorkerOnly: workerOnly === true,
    usesSession: useSession === true,
    strategy: evalStrategy,
  };
}
