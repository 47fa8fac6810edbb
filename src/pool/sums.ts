/** What runs cost in total: by function, by key, and for evaluations. */
import type { RunCost } from "../protocol/messages.ts";

/** The receipts of some runs, added up. Only runs that were accepted count. */
export interface RunSums {
  /** Runs that settled, well or not. */
  runs: number;
  /** Those of them that settled with an error. */
  failed: number;
  wallMs: number;
  cpuMs: number;
  gas: number;
  hostCalls: number;
  bytesIn: number;
  bytesOut: number;
}

/** Sums by name. Without a prototype: a name may be anything, `__proto__` included. */
export type SumsByName = Readonly<Record<string, Readonly<RunSums>>>;

/** Names that are told apart; more would let strangers fill the memory. */
const MAXIMUM_NAMES = 1_000;
/** Names that are longer are not told apart, for the same reason. */
const MAXIMUM_NAME_LENGTH = 200;

/** How many names are given up when there are too many. */
const SHARE_GIVEN_UP = 1 / 16;

export function noSums(): RunSums {
  return {
    runs: 0,
    failed: 0,
    wallMs: 0,
    cpuMs: 0,
    gas: 0,
    hostCalls: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** Adds one run. Nothing is allocated: it happens at the end of every run. */
export function addRun(
  sums: RunSums,
  hasFailed: boolean,
  cost: RunCost,
  bytesIn: number,
  bytesOut: number,
): void {
  sums.runs++;
  if (hasFailed) sums.failed++;
  sums.wallMs += cost.wallMs;
  sums.cpuMs += cost.cpuMs;
  sums.gas += cost.gas;
  sums.hostCalls += cost.hostCalls;
  sums.bytesIn += bytesIn;
  sums.bytesOut += bytesOut;
}

/** Adds what others have added up. */
function addSums(sums: RunSums, others: RunSums): void {
  sums.runs += others.runs;
  sums.failed += others.failed;
  sums.wallMs += others.wallMs;
  sums.cpuMs += others.cpuMs;
  sums.gas += others.gas;
  sums.hostCalls += others.hostCalls;
  sums.bytesIn += others.bytesIn;
  sums.bytesOut += others.bytesOut;
}

interface Entry {
  readonly sums: RunSums;
  /** Used since the last time it could have been given up. */
  isRecent: boolean;
}

/**
 * Sums by name, for a bounded number of names. When there are too many, some that were not used
 * for a while are given up, and their sums go to the others'.
 */
export class NamedSums {
  /** The sums of all names that are not told apart. */
  readonly others: RunSums = noSums();
  readonly #entries = new Map<string, Entry>();

  /** @param maximum - how many names are told apart. */
  constructor(readonly maximum: number = MAXIMUM_NAMES) {}

  /** Where to add what belongs to a name. */
  of(name: string): RunSums {
    const known = this.#entries.get(name);
    if (known !== undefined) {
      known.isRecent = true;
      return known.sums;
    }
    if (name.length > MAXIMUM_NAME_LENGTH) return this.others;
    if (this.#entries.size >= this.maximum) this.#giveUpSome();
    const sums = noSums();
    this.#entries.set(name, { sums, isRecent: false });
    return sums;
  }

  /** A copy. */
  summary(): SumsByName {
    const byName = Object.create(null) as Record<string, RunSums>;
    for (const [name, { sums }] of this.#entries) byName[name] = { ...sums };
    return byName;
  }

  /** The first in line that were not used since they last came first; the others go to the end. */
  #giveUpSome(): void {
    // Several at once: each search has to pass what earlier ones have left of the table.
    let remaining = Math.ceil(this.maximum * SHARE_GIVEN_UP);
    for (const [name, entry] of this.#entries) {
      this.#entries.delete(name);
      if (entry.isRecent) {
        entry.isRecent = false;
        this.#entries.set(name, entry);
      } else {
        addSums(this.others, entry.sums);
        remaining--;
        if (remaining === 0) return;
      }
    }
  }
}
