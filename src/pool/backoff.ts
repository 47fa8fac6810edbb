/** How restarts of workers are paced. */
export interface RestartOptions {
  /** Restarts a worker gets until it has been healthy again for long enough; 0 is none. */
  maxPerWorker: number;
  /** Milliseconds before the first restart; doubled for each further one. */
  baseDelayMs: number;
  /** The most milliseconds the doubling leads to. */
  maxDelayMs: number;
  /** Up to this many milliseconds are added at random, so that workers do not restart in step. */
  jitterMs: number;
  /** Milliseconds a worker must have been ready for its budget to be whole again. */
  healthyAfterMs: number;
  /** How often a run may be inside a worker that is lost before it is given up as the cause. */
  maxAttemptsPerRun: number;
}

/** Milliseconds before restart number `attempt` (from 1). `random` is in [0, 1). */
export function restartDelayMs(
  attempt: number,
  options: Pick<RestartOptions, "baseDelayMs" | "maxDelayMs" | "jitterMs">,
  random: () => number,
): number {
  const delayMs = Math.min(options.baseDelayMs * 2 ** (attempt - 1), options.maxDelayMs);
  // Added after the cap: at the cap is where workers would restart in step for good.
  return delayMs + Math.floor(random() * (options.jitterMs + 1));
}
