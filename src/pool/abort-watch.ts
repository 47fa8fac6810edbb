/** Aborts runs when their signals do. */
import type { Run } from "./run.ts";

interface Watched {
  runs: Set<Run>;
  stop(): void;
}

/**
 * One listener per signal, however many runs share it: taking one of thousands off a signal means
 * looking at all of them, and would cost more than the runs.
 */
export class AbortWatch {
  readonly #signals = new WeakMap<AbortSignal, Watched>();

  constructor(readonly abort: (run: Run) => void) {}

  /** Watches a run's signal, where it has one, until `run.stopWatching()`. */
  watch(run: Run): void {
    const { signal } = run;
    if (signal === undefined) return;
    const watched = this.#signals.get(signal) ?? this.#listen(signal);
    watched.runs.add(run);
    run.stopWatching = () => {
      watched.runs.delete(run);
      // A signal may outlive the pool, and must not keep it.
      if (watched.runs.size === 0) watched.stop();
    };
  }

  #listen(signal: AbortSignal): Watched {
    const runs = new Set<Run>();
    const onAbort = (): void => {
      // A copy: an aborted run may settle, and so leave, at once.
      for (const run of Array.from(runs)) this.abort(run);
    };
    const watched: Watched = {
      runs,
      stop: () => {
        signal.removeEventListener("abort", onAbort);
        this.#signals.delete(signal);
      },
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#signals.set(signal, watched);
    return watched;
  }
}
