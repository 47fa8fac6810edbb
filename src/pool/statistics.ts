/** Counters and histograms of a pool. */

import type { WorkerState } from "./worker-state.ts";

/** A summary of a histogram. Times in milliseconds; all zero while `count` is. */
export interface Distribution {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Buckets per doubling: a percentile is within about 9 % of the truth. */
const BUCKETS_PER_OCTAVE = 8;
/** From 1 microsecond to about 12 days. */
const OCTAVES = 40;
const MS_PER_MICROSECOND = 0.001;

/** Durations in buckets that grow with the duration: exact enough, and never larger. */
export class Histogram {
  readonly #buckets = new Uint32Array(OCTAVES * BUCKETS_PER_OCTAVE);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  add(durationMs: number): void {
    const octaves = durationMs > MS_PER_MICROSECOND ? Math.log2(durationMs * 1000) : 0;
    const index = Math.min(Math.floor(octaves * BUCKETS_PER_OCTAVE), this.#buckets.length - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count++;
    this.#sumMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  summary(): Distribution {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50: this.#percentile(0.5),
      p95: this.#percentile(0.95),
      p99: this.#percentile(0.99),
      max: this.#maxMs,
    };
  }

  #percentile(share: number): number {
    let remaining = Math.ceil(this.#count * share);
    if (remaining === 0) return 0;
    for (const [index, count] of this.#buckets.entries()) {
      remaining -= count;
      if (remaining <= 0) {
        // The middle of the bucket, but never beyond what was seen.
        const middleMs = 2 ** ((index + 0.5) / BUCKETS_PER_OCTAVE) * MS_PER_MICROSECOND;
        return Math.min(middleMs, this.#maxMs);
      }
    }
    return this.#maxMs;
  }
}

/** What `pool.stats()` returns. */
export interface PoolStatistics {
  /** Places for workers by state. */
  workers: { total: number } & Record<WorkerState, number>;
  /** Runs that wait for a worker. */
  queued: number;
  /** Runs sent to a worker and not settled. */
  inFlight: number;
  /** Runs that settled with a value. */
  completed: number;
  /** Runs that were accepted and settled with an error. */
  failed: number;
  /** Submissions that were never accepted, e.g. because the queue was full. */
  refused: number;
  /** Milliseconds between submission and start. */
  waitMs: Distribution;
  /** Milliseconds between start and end in the worker. */
  runMs: Distribution;
  /** Workers that were replaced. */
  restarts: number;
}
