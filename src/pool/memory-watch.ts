/**
 * Measures what the workers' sandboxes use, and holds them to the pool's watermark. Workers are
 * asked, so what is known is as old as their last answer: one that is busy answers when it is done.
 */
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface MemoryWatchOptions {
  /** 0 only measures. */
  maxBytes: number;
  clock: Clock;
  events: EventEmitter;
  links(): readonly WorkerLink[];
  /** A worker has told how much it uses. */
  onMeasured(link: WorkerLink): void;
  /** Workers may take runs again. */
  onRelieved(): void;
}

/** Milliseconds between two questions to a worker. */
const MEASURE_MS = 250;
const ANSWER_TIMEOUT_MS = 30_000;

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #cancelSweep: (() => void) | undefined;
  #isAbove = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Something was sent: starts measuring, unless it does already. Cheap enough for every run. */
  wake(): void {
    if (this.#cancelSweep === undefined) this.#schedule();
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #schedule(): void {
    this.#cancelSweep = this.#options.clock.schedule(MEASURE_MS, () => this.#sweep(), {
      keepAlive: false,
    });
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const links = this.#options.links();
    for (const link of links) void this.#measure(link);
    // Once more after the last run: what it has left behind is what the next one finds.
    if (links.some((link) => link.inFlightCount > 0)) this.#schedule();
  }

  async #measure(link: WorkerLink): Promise<void> {
    await link.refreshStatistics(ANSWER_TIMEOUT_MS);
    if (!link.isAlive || link.statistics === undefined) return;
    if (this.#options.maxBytes > 0) this.#judge();
    if (link.isOverweight) {
      await link.trim(ANSWER_TIMEOUT_MS);
      await link.refreshStatistics(ANSWER_TIMEOUT_MS);
      this.#judge();
    }
    if (link.isAlive) this.#options.onMeasured(link);
  }

  #judge(): void {
    const { maxBytes, events } = this.#options;
    const links = this.#options.links();
    const usedBytes = links.reduce((sum, link) => sum + usedBytesOf(link), 0);
    const isAbove = usedBytes > maxBytes;
    const shareBytes = maxBytes / links.length;
    for (const link of links) link.isOverweight = isAbove && usedBytesOf(link) > shareBytes;
    if (isAbove !== this.#isAbove) {
      this.#isAbove = isAbove;
      events.emit(isAbove ? "memory-pressure" : "memory-relieved", { usedBytes, maxBytes });
    }
    if (!isAbove) this.#options.onRelieved();
  }
}

function usedBytesOf(link: WorkerLink): number {
  return link.statistics?.usedBytes ?? 0;
}
