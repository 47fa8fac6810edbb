/** Keeps one pool that matches the settings: starts it, replaces it, says how that went. */
import { createPool, type FilesOptions, type Pool } from "skep";

export interface PoolChoice {
  workers: number;
  environment: string;
  engine: "auto" | "sync" | "asyncify";
  isolation: "call" | "worker";
  files: FilesOptions;
}

export type HostState =
  | { state: "starting"; choice: PoolChoice }
  | { state: "ready"; choice: PoolChoice; pool: Pool; startMs: number }
  | { state: "failed"; choice: PoolChoice; error: unknown };

/** The name that the function in the editor is defined under, whatever it calls itself. */
export const FUNCTION_NAME = "submitted";

/**
 * Runs that wait have a sandbox each, and a browser reserves gigabytes of addresses for the memory
 * of each: Chromium gives a page little more than a hundred.
 */
const SANDBOXES = 64;

export class PoolHost {
  /** Called with every new state. */
  onChange: (state: HostState) => void = () => {};
  pool: Pool | undefined;
  /** Starts happen one after the other, or two pools would compete for the cores. */
  #turn: Promise<void> = Promise.resolve();
  #wanted: PoolChoice | undefined;
  #defined: string | undefined;

  /** Replaces the pool. Of several choices made while one starts, only the last is opened. */
  use(choice: PoolChoice): Promise<void> {
    this.#wanted = choice;
    this.#turn = this.#turn.then(() => this.#replace(choice));
    return this.#turn;
  }

  /** Has the workers install the function, unless they have it. */
  async define(pool: Pool, source: string): Promise<void> {
    if (this.#defined === source && this.pool === pool) return;
    await pool.define({ functions: { [FUNCTION_NAME]: source } });
    this.#defined = source;
  }

  async #replace(choice: PoolChoice): Promise<void> {
    if (this.#wanted !== choice) return;
    const old = this.pool;
    this.pool = undefined;
    this.#defined = undefined;
    this.onChange({ state: "starting", choice });
    await old?.close({ force: true });
    const began = performance.now();
    try {
      const maxInFlightPerWorker = Math.max(4, Math.floor(SANDBOXES / choice.workers));
      const pool = await createPool({ ...choice, maxInFlightPerWorker, queue: { max: 0 } });
      this.pool = pool;
      this.onChange({ state: "ready", choice, pool, startMs: performance.now() - began });
    } catch (error) {
      this.onChange({ state: "failed", choice, error });
    }
  }
}
