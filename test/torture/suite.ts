/**
 * Runs the torture tables: every vector is a test of its own, on a pool that its family shares.
 * After each, the next call must succeed in a pristine sandbox and the host must be unchanged.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { FAMILIES } from "./families.ts";
import { watchRealm } from "./pristine.ts";
import { attempt, type Bench, inspectAftermath, judge, openBench } from "./trial.ts";
import type { Family, TortureTerrain, Vector } from "./vector.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `whole`: every vector. `fast`: those that `npm test` has time for. */
    torture: "whole" | "fast";
  }
}

/** Which of the fast vectors run in `npm test`: all, or every n-th from one on. */
export interface Share {
  first: number;
  every: number;
}

export function tortureContract(terrain: TortureTerrain, share: Share): void {
  const { environment, engine } = terrain;
  const isWhole = inject("torture") === "whole";
  let counted = 0;
  function isChosen(family: Family, { name, slow }: Vector): boolean {
    if (isWhole) return true;
    return !slow && !family.slow?.includes(name) && counted++ % share.every === share.first;
  }

  describe(`torture: ${environment}, ${engine}`, () => {
    const hostChanges = watchRealm();
    for (const family of FAMILIES) {
      const vectors = family.vectors.filter((vector) => isChosen(family, vector));
      if (vectors.length > 0)
        describe(family.name, () => tryFamily(terrain, family, vectors, hostChanges));
    }
  });
}

function tryFamily(
  terrain: TortureTerrain,
  family: Family,
  vectors: Vector[],
  hostChanges: () => string[],
): void {
  let shared: Bench | undefined;
  beforeAll(async () => {
    shared = await openBench(terrain, family);
  });
  afterAll(() => shared?.pool.close({ force: true }));

  async function openFor(vector: Vector): Promise<Bench> {
    if (vector.pool) return openBench(terrain, family, vector.pool);
    return (shared ??= await openBench(terrain, family));
  }

  for (const vector of vectors) {
    const reason = vector.skip?.(terrain);
    if (reason !== undefined) {
      it.skip(`${vector.name} (skipped: ${reason})`, () => {});
      continue;
    }
    const known = vector.knownFailure?.(terrain);
    const title = known === undefined ? vector.name : `${vector.name} (known failure: ${known})`;
    it(title, async () => {
      const bench = await openFor(vector);
      try {
        const verdict = await tried(vector, bench);
        if (known === undefined) verdict();
        else expect(verdict, "A known failure that passes: take it off the list.").toThrow();
        await inspectAftermath(bench, hostChanges);
      } catch (error) {
        // The vectors after it get a pool that nothing has happened to.
        if (bench === shared) shared = undefined;
        await bench.pool.close({ force: true });
        throw error;
      }
      if (bench !== shared) await bench.pool.close({ force: true });
    });
  }
}

/** Tries a vector and returns what judges it. */
async function tried(vector: Vector, bench: Bench): Promise<() => void> {
  const { residentBytes } = bench.terrain;
  const bytesBefore = residentBytes?.() ?? 0;
  const started = performance.now();
  const outcome = await attempt(vector, bench);
  const tookMs = performance.now() - started;
  const grownBytes = (residentBytes?.() ?? 0) - bytesBefore;
  return () => {
    judge(vector, outcome, tookMs, bench);
    expect(grownBytes, "bytes the process has grown by").toBeLessThan(MAXIMUM_GROWTH_BYTES);
  };
}

/** Some sandboxes, a result on its way through both threads, and what the collector has not seen. */
const MAXIMUM_GROWTH_BYTES = 400 * 2 ** 20;
