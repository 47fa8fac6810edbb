import { afterEach } from "vitest";
import { SkepError } from "../../../src/errors.ts";
import { createPoolOn } from "../../../src/pool/create-pool.ts";
import type { PoolEventName, PoolEvents } from "../../../src/pool/events.ts";
import type { PoolOptions } from "../../../src/pool/options.ts";
import type { Pool } from "../../../src/pool/pool.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { type Script, ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";

export interface Stage {
  pool: Pool;
  environment: ScriptedEnvironment;
  clock: FakeClock;
}

const pools: Pool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close({ force: true });
});

/** A pool of scripted workers that has started. Closed after the test. */
export async function stage(
  script: Script = {},
  options: PoolOptions<any> = {},
  withSignals = false,
): Promise<Stage> {
  const environment = new ScriptedEnvironment(script, withSignals);
  const clock = new FakeClock();
  const pool = await createPoolOn(
    scriptedPlatform(environment),
    { workers: 2, functions: { add: "(a, b) => a + b" }, ...options },
    { clock, random: () => 0 },
  );
  pools.push(pool);
  return { pool, environment, clock };
}

/** How a promise stands, without waiting for it. */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = Symbol("pending");
  // It may be rejected before anybody gets to await it.
  promise.catch(() => {});
  await settle();
  return Promise.race([promise, Promise.resolve(pending)]).then(
    (value) => (value === pending ? "pending" : value),
    (error: unknown) => (error instanceof SkepError ? error.code : error),
  );
}

/** Collects the events of a name. */
export function record<Name extends PoolEventName>(pool: Pool, name: Name): PoolEvents[Name][] {
  const events: PoolEvents[Name][] = [];
  pool.on(name, (event) => events.push(event));
  return events;
}

/** The same promise, its rejection expected: it may come before anybody awaits it. */
export function watched<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

/** Workers that answer every run at once. */
export const answering: Script = { onRun: (worker, run) => worker.succeed(run, run.runId) };
