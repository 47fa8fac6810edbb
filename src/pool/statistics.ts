/** Counters and histograms of a pool. */

import type { SkepErrorCode } from "../errors.ts";
import type { RunSums, SumsByName } from "./sums.ts";
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
  // Doubles: a busy pool fills 32 bits in days.
  readonly #buckets = new Float64Array(OCTAVES * BUCKETS_PER_OCTAVE);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  add(durationMs: number): void {
    const octaves = durationMs > MS_PER_MICROSECOND ? Math.log2(durationMs * 1000) : 0;
    // A bucket includes its upper bound, as those of Prometheus do, and not its lower.
    const above = Math.ceil(octaves * BUCKETS_PER_OCTAVE) - 1;
    const index = Math.max(0, Math.min(above, this.#buckets.length - 1));
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count++;
    this.#sumMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** How many durations were at most 2 to the power of `octave` microseconds. */
  countUpTo(octave: number): number {
    const buckets = this.#buckets.subarray(0, octave * BUCKETS_PER_OCTAVE);
    return buckets.reduce((sum, count) => sum + count, 0);
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

/** What all runs come to. */
export interface RunTotals {
  /** How many runs settled with an error of which code, refused ones included. */
  errors: Partial<Record<SkepErrorCode, number>>;
  /**
   * What the runs of each function cost in total, by the function's name. At most 1,000 names are
   * told apart, by and large those that ran last, and none of more than 200 characters.
   */
  functions: SumsByName;
  /** What runs of functions cost that are not told apart. */
  otherFunctions: Readonly<RunSums>;
  /** What evaluations cost in total. */
  evaluations: Readonly<RunSums>;
  /** What the runs with each `key` cost in total, evaluations included; bounded like `functions`. */
  keys: SumsByName;
  /** What runs with keys cost that are not told apart. */
  otherKeys: Readonly<RunSums>;
}

/** What `pool.stats()` returns. */
export interface PoolStatistics extends RunTotals {
  /** Places for workers by state. */
  workers: { total: number } & Record<WorkerState, number>;
  /** Open sessions: those that have a sandbox in a worker, and those put away. */
  sessions: { active: number; hibernated: number };
  /** Runs that wait for a worker, or for their turn in a session. */
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
