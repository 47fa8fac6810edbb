/** Options about what becomes of functions and workers that cost too much. */
import { group, invalid, MAXIMUM_MS, whole } from "./option-checks.ts";

export interface QuarantineOptions {
  /**
   * Workers that may be lost to a function (it hung past its grace, or they ended while it was in
   * their engine) before it is refused with `quarantined`; 0 switches this off. Default 3.
   */
  after: number;
  /**
   * Milliseconds after which a function is released by itself, on probation: the next worker it
   * costs is one too many. Offences that are older do not count. 0 is until `pool.release()`.
   * Default 60,000.
   */
  forMs: number;
}

export interface RecycleOptions {
  /** Runs after which a worker is replaced by a new one; 0 (default) is never. */
  afterRuns: number;
  /**
   * Bytes its sandboxes use above which a worker is replaced, see `WorkerHealth.usedBytes`; 0
   * (default) is any number.
   */
  aboveMemoryBytes: number;
}

export interface MemoryOptions {
  /** Bytes that the sandboxes of all workers may use together; 0 (default) is any number. */
  maxBytes: number;
}

export interface SupervisionOptions {
  /** Refuses functions that keep costing workers; `false` does not. */
  quarantine?: Partial<QuarantineOptions> | false | 0 | undefined;
  /** Replaces workers now and then, without losing calls. Default: never. */
  recycle?: Partial<RecycleOptions> | undefined;
  /**
   * A watermark for all workers together. Above it, workers let go of sandboxes they keep in
   * stock, and those that use more than their share take one run at a time. Default: none.
   */
  memory?: Partial<MemoryOptions> | undefined;
}

export interface SupervisionSettings {
  quarantine: QuarantineOptions;
  recycle: RecycleOptions;
  memory: MemoryOptions;
}

const MAXIMUM_BYTES = Number.MAX_SAFE_INTEGER;
const NO_QUARANTINE: QuarantineOptions = { after: 0, forMs: 0 };

export function resolveSupervision(options: SupervisionOptions): SupervisionSettings {
  const recycle = group(options.recycle, "recycle", ["afterRuns", "aboveMemoryBytes"]);
  const memory = group(options.memory, "memory", ["maxBytes"]);
  function number(value: unknown, label: string, fallback = 0, max = MAXIMUM_BYTES): number {
    return whole(value, label, fallback, { min: 0, max });
  }
  return {
    quarantine: resolveQuarantine(options.quarantine, number),
    recycle: {
      afterRuns: number(recycle["afterRuns"], "recycle.afterRuns"),
      aboveMemoryBytes: number(recycle["aboveMemoryBytes"], "recycle.aboveMemoryBytes"),
    },
    memory: { maxBytes: number(memory["maxBytes"], "memory.maxBytes") },
  };
}

function resolveQuarantine(
  value: unknown,
  number: (value: unknown, label: string, fallback: number, max: number) => number,
): QuarantineOptions {
  if (value === false || value === 0) return NO_QUARANTINE;
  if (value !== undefined && (typeof value !== "object" || value === null)) {
    throw invalid("quarantine must be false or { after, forMs }.");
  }
  const options = group(value, "quarantine", ["after", "forMs"]);
  return {
    after: number(options["after"], "quarantine.after", 3, MAXIMUM_BYTES),
    forMs: number(options["forMs"], "quarantine.forMs", 60_000, MAXIMUM_MS),
  };
}
