/** Replaces workers that have served long enough, or use too much memory: one at a time. */
import type { Clock } from "./clock.ts";
import type { RecycleOptions } from "./supervision-options.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface RecyclerOptions {
  limits: RecycleOptions;
  /** Milliseconds until the next try when a replacement could not start. */
  retryMs: number;
  clock: Clock;
  /** Whether it is a worker that takes runs; one on its way out has been replaced. */
  isUp(link: WorkerLink): boolean;
  /** Resolves with whether the worker was replaced. */
  replace(link: WorkerLink, reason: string): Promise<boolean>;
}

/** A worker this young is not replaced for its memory: its replacement would be no better. */
const MINIMUM_AGE_MS = 1_000;

export class Recycler {
  readonly #options: RecyclerOptions;
  /** Two at a time would be more memory, and more starts, than runs have use for. */
  #isBusy = false;
  #notBeforeMs = 0;

  constructor(options: RecyclerOptions) {
    this.#options = options;
  }

  /** Looks at a worker that has just finished something, or has told about its memory. */
  consider(link: WorkerLink): void {
    const options = this.#options;
    const { clock, retryMs } = options;
    if (this.#isBusy) return;
    const reason = this.#reasonFor(link);
    if (reason === undefined || clock.now() < this.#notBeforeMs || !options.isUp(link)) return;
    this.#isBusy = true;
    void options.replace(link, reason).then((isReplaced) => {
      this.#isBusy = false;
      if (!isReplaced) this.#notBeforeMs = clock.now() + retryMs;
    });
  }

  #reasonFor(link: WorkerLink): string | undefined {
    const { afterRuns, aboveMemoryBytes } = this.#options.limits;
    if (afterRuns > 0 && link.finishedRuns >= afterRuns) {
      return `It has finished ${link.finishedRuns} runs, and recycle.afterRuns is ${afterRuns}.`;
    }
    const usedBytes = link.statistics?.usedBytes ?? 0;
    const isOld = this.#options.clock.now() - link.openedAtMs >= MINIMUM_AGE_MS;
    if (aboveMemoryBytes > 0 && usedBytes > aboveMemoryBytes && isOld) {
      return `It uses ${usedBytes} bytes, and recycle.aboveMemoryBytes is ${aboveMemoryBytes}.`;
    }
    return undefined;
  }
}
