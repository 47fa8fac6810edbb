/**
 * Generated values through a pool and back, by every way that values take: what structuredClone
 * makes of a value, the wall must too. `npm run values` asks for many of them.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Pool } from "skep";
import type { Terrain } from "./suite.ts";
import { crossingValue, shape } from "./values.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** How many values to generate for an environment and engine. */
    valueCases: number;
    /** What the generator starts from; 0 is another one each time. */
    valueSeed: number;
  }
}

/* Each returns its argument. Most go the short way: the others meet the same encoding. */
const WAYS = {
  echo: "(value) => value",
  later: "async (value) => { await 0; return value; }",
  viaHost: "async (value) => await host.same(value)",
  viaClone: "(value) => structuredClone(value)",
};
const way = fc.constantFrom(
  ...(["echo", "echo", "echo", "echo", "later", "viaHost", "viaClone"] as const),
);

/** Values that go at the same time: one by one, most of the time would be spent on waiting. */
const AT_ONCE = 25;
const together = fc.array(fc.tuple(crossingValue, way), { minLength: AT_ONCE, maxLength: AT_ONCE });

/** How the generator is to run: the same seed makes the same values. */
export function generation(cases: number = inject("valueCases")): {
  numRuns: number;
  seed: number;
} {
  const given = inject("valueSeed");
  return {
    numRuns: cases,
    seed: given === 0 ? (Date.now() ^ (Math.random() * 2 ** 31)) | 0 : given,
  };
}

export function generatedValuesContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  describe(`values: ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      const host = { same: (value: unknown) => value };
      pool = await terrain.createPool({ environment, engine, workers: 1, functions: WAYS, host });
    });
    afterAll(() => pool.close({ force: true }));

    const { numRuns, seed } = generation();
    const cases = Math.ceil(numRuns / AT_ONCE) * AT_ONCE;
    it(`agree with structuredClone, ${cases} of seed ${seed}`, { timeout: 1_800_000 }, async () => {
      const agree = fc.asyncProperty(together, async (values) => {
        const back = await Promise.all(values.map(([value, name]) => pool.run(name, [value])));
        for (const [index, [value]] of values.entries())
          expect(shape(back[index])).toBe(shape(structuredClone(value)));
      });
      await fc.assert(agree, { numRuns: cases / AT_ONCE, seed });
    });
  });
}
