/** The torture tables' words: what a vector is, and how it is expected to end. */
import type { Pool, PoolOptions, RunOptions, RunOutcome } from "skep";
import type { Terrain } from "../contracts/suite.ts";
import type { Desk } from "./desk.ts";

/** Where vectors run. */
export interface TortureTerrain extends Terrain {
  /** Bytes the host's process holds, where that can be asked. */
  residentBytes?: (() => number) | undefined;
}

/** What an attack finds: the pool of its family, or one of its own. */
export interface Stage {
  pool: Pool;
  /** The host functions every pool has, and what they have seen. */
  desk: Desk;
  terrain: TortureTerrain;
}

/** How an attack is made: guest source, a defined function, or steps taken from outside. */
export type Attack =
  | { script: string }
  | { module: string }
  | { call: string; args?: unknown[] }
  | { act: (stage: Stage) => Promise<unknown> };

/** What must have become of it. Throws where something else did. */
export type Expectation = (outcome: RunOutcome, stage: Stage) => void;

export type Vector = Attack & {
  /** Unique in its family; a sentence about what is tried. */
  name: string;
  expect: Expectation;
  /** Of this run; the family's pool has its own. */
  limits?: Omit<RunOptions, "signal" | "priority" | "key" | "transfer">;
  /** Milliseconds until the caller must have heard. Default: see `allowedMs` in `trial.ts`. */
  withinMs?: number;
  /** Takes more than about 200 ms: only in `npm run torture`. */
  slow?: true;
  /** Why this cannot be promised here; undefined where it is. */
  skip?: (terrain: TortureTerrain) => string | undefined;
  /** Why the product does not stand this yet. The run fails as soon as it does. */
  knownFailure?: (terrain: TortureTerrain) => string | undefined;
  /** A pool of its own, with these settings on top of the family's. */
  pool?: PoolOptions;
};

/** One row of the threat table. */
export interface Family {
  name: string;
  /** Settings of the family's pool on top of `BASE_OPTIONS`. */
  pool?: PoolOptions;
  /** Names of the vectors that take more than about 200 ms, where the table does not say it. */
  slow?: string[];
  vectors: Vector[];
}

/** Rows of a table: name, script, expectation. */
export function scripts(
  rows: readonly (readonly [name: string, script: string, expect: Expectation])[],
  common: Omit<Vector, "name" | "script" | "expect"> = {},
): Vector[] {
  return rows.map(([name, script, expect]) => ({ ...common, name, script, expect }));
}

/** Natives that never look at the interrupt handler need a thread that can be ended. */
export function needsThread(terrain: TortureTerrain): string | undefined {
  return terrain.threaded
    ? undefined
    : "in-thread has no thread to end, and this native never polls";
}

/** A host call that blocks needs shared memory, or the host in the same thread. */
export function needsBlocking(terrain: TortureTerrain): string | undefined {
  return terrain.signals || !terrain.threaded
    ? undefined
    : "hostSync needs SharedArrayBuffer, which this page does not have";
}

/** Host modules exist in Node alone. */
export function needsNode(terrain: TortureTerrain): string | undefined {
  return terrain.node ? undefined : "host modules exist in Node only";
}
