/** One vector: tried, judged, and what it has left behind looked for. */
import { expect } from "vitest";
import type { Pool, PoolOptions, RunOutcome } from "skep";
import { SkepError } from "skep";
import { openDesk } from "./desk.ts";
import { differences, PROBE, type Probed, realmModule } from "./pristine.ts";
import type { Family, Stage, TortureTerrain, Vector } from "./vector.ts";

/** What every torture pool is made with: one worker, so that the next call finds the same sandbox. */
const BASE_OPTIONS: PoolOptions = {
  workers: 1,
  limits: { timeoutMs: 5_000, memoryBytes: 16 * 2 ** 20, graceMs: 100 },
  restart: { maxPerWorker: 100_000, baseDelayMs: 1, maxDelayMs: 1, jitterMs: 0 },
};
const GRACE_MS = 100;
/** Sweeps of the watchdog, and cores that are somebody else's for a while. */
const SLACK_MS = 1_500;

/** A pool under torture, and how it was before. */
export interface Bench extends Stage {
  /** What the probe said in the pool's first run. */
  baseline: Probed;
  /** The probe's own costs then. */
  costs: { peakMemoryBytes: number; gas: number };
  /** Random numbers seen so far. */
  randoms: Set<number>;
}

export async function openBench(
  terrain: TortureTerrain,
  family: Family,
  settings: PoolOptions = {},
): Promise<Bench> {
  const desk = openDesk();
  const { environment, engine } = terrain;
  const parts = [family.pool ?? {}, settings];
  const pool = await terrain.createPool({
    ...BASE_OPTIONS,
    ...Object.assign({}, ...parts),
    environment,
    engine,
    limits: Object.assign({}, BASE_OPTIONS.limits, ...parts.map(({ limits }) => limits)),
    functions: Object.assign(
      { probe: PROBE },
      functionsOf(family),
      ...parts.map((p) => p.functions),
    ),
    host: Object.assign({}, desk.functions, ...parts.map(({ host }) => host)),
    dependencies: Object.assign(
      terrain.node ? { realm: { module: realmModule(), exports: ["changes"] } } : {},
      ...parts.map(({ dependencies }) => dependencies),
    ),
  });
  const { value, receipt } = await probe(pool);
  return {
    pool,
    desk,
    terrain,
    baseline: value,
    costs: { peakMemoryBytes: receipt.peakMemoryBytes, gas: receipt.gas },
    randoms: new Set(value.random),
  };
}

/** Tries a vector. Whatever it does to the pool, there is an outcome. */
export async function attempt(vector: Vector, stage: Stage): Promise<RunOutcome> {
  const { pool } = stage;
  const options = vector.limits ?? {};
  if ("script" in vector) return pool.execute({ eval: vector.script }, options);
  if ("module" in vector) return pool.execute({ eval: vector.module, type: "module" }, options);
  if ("call" in vector) {
    return pool.execute({ run: functionName(vector), args: vector.args ?? [] }, options);
  }
  // Of what is done from outside there is no receipt.
  const receipt = {} as RunOutcome["receipt"];
  try {
    return { ok: true, value: await vector.act(stage), receipt };
  } catch (error) {
    if (error instanceof SkepError) return { ok: false, error, receipt };
    throw error;
  }
}

export function judge(vector: Vector, outcome: RunOutcome, tookMs: number, stage: Stage): void {
  vector.expect(outcome, stage);
  expect(tookMs, "milliseconds until the caller heard").toBeLessThan(allowedMs(vector));
}

/** The limit, the grace, and what a busy machine takes. */
function allowedMs({ withinMs, limits }: Vector): number {
  return withinMs ?? (limits?.timeoutMs ?? 5_000) + GRACE_MS + SLACK_MS;
}

/** The next call succeeds, finds a pristine sandbox, and the host is as it was. */
export async function inspectAftermath(bench: Bench, hostChanges: () => string[]): Promise<void> {
  const { pool, baseline, costs, randoms, terrain, desk } = bench;
  const { value, receipt } = await probe(pool);
  expect(differences(baseline.text, value.text), "changes in the next sandbox").toEqual([]);
  expect({ dirty: value.dirty, late: value.late }).toEqual({ dirty: 0, late: 0 });
  for (const number of value.random) {
    expect(randoms.has(number), "a random number of an earlier run").toBe(false);
    randoms.add(number);
  }
  const { peakMemoryBytes, gas } = receipt;
  expect({ peakMemoryBytes, gas }, "costs of the same program").toEqual(costs);
  expect(hostChanges(), "changed prototypes of the host").toEqual([]);
  if (terrain.node) {
    const inWorker = await pool.eval("(await wpc_import('realm')).changes()");
    expect(inWorker, "changed prototypes of the worker's host").toEqual([]);
  }
  const { inFlight, queued } = pool.stats();
  expect({ inFlight, queued }, "runs that never settled").toEqual({ inFlight: 0, queued: 0 });
  desk.clear();
}

async function probe(pool: Pool): Promise<{ value: Probed; receipt: RunOutcome["receipt"] }> {
  const outcome = await pool.execute<Probed>({ run: "probe" });
  if (!outcome.ok) throw outcome.error;
  return { value: outcome.value, receipt: outcome.receipt };
}

/** Vectors that are functions are defined with their family's pool. */
function functionsOf({ vectors }: Family): Record<string, string> {
  return Object.fromEntries(
    vectors.flatMap((vector) => ("call" in vector ? [[functionName(vector), vector.call]] : [])),
  );
}

function functionName({ name }: Vector): string {
  return `torture_${name.replaceAll(/\W+/g, "_")}`;
}
