/** Pools that start from what another pool has evaluated. Run by every environment and engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool, PoolOptions } from "skep";
import { failure } from "./failure.ts";
import type { Terrain } from "./suite.ts";

/** Says how often it was evaluated: once, when the image was made. */
const COUNTING = "export const born = Math.random(); export const twice = (n) => 2 * n;";

export function poolImageContract(terrain: Terrain): void {
  const { environment, engine, node } = terrain;

  describe(`images of pools: ${environment}, ${engine}`, () => {
    const host = { add: (a: number, b: number) => a + b };
    const pools: Pool[] = [];
    let image: Uint8Array;
    let born: number;

    async function start(options: PoolOptions = {}): Promise<Pool> {
      const pool = await terrain.createPool({ environment, engine, workers: 2, ...options });
      pools.push(pool);
      return pool;
    }

    beforeAll(async () => {
      const pool = await start({
        functions: {
          born: "async () => (await import('counting')).born",
          twice: "(n, context) => context.dependencies.counting.twice(n) + context.constants.PLUS",
        },
        constants: { PLUS: 1, MAP: new Map([["bytes", new Uint8Array([1, 2, 3])]]) },
        dependencies: {
          counting: { source: COUNTING },
          ...(node ? { path: { module: "node:path", exports: ["basename"] } } : {}),
        },
        host,
        bootstrap: "globalThis.booted = { at: 7 }",
      });
      born = await pool.call.born();
      image = await pool.image();
    });
    afterAll(() => Promise.all(pools.map((pool) => pool.close({ force: true }))));

    it("has everything that was defined, and evaluates none of it again", async () => {
      const pool = await start({ image, host });
      expect(await Promise.all([1, 2, 3, 4].map(() => pool.call.born()))).toEqual(
        Array(4).fill(born),
      );
      expect(await pool.run("twice", [20])).toBe(41);
      const source = "[booted, constants.MAP.get('bytes'), await host.add(1, 2)]";
      expect(await pool.eval(source)).toEqual([{ at: 7 }, new Uint8Array([1, 2, 3]), 3]);
      expect(pool.registry().functions.map(({ name }) => name)).toEqual(["born", "twice"]);
      if (node) {
        expect(await pool.eval("(await import('path')).basename('/a/b.c')")).toBe("b.c");
      }
      // Each run has a sandbox of its own, as ever.
      await pool.eval("booted.at = 8");
      expect(await pool.eval("booted.at")).toBe(7);
    });

    it("can be added to, and taken from", async () => {
      const pool = await start({ image, host, functions: { more: "() => booted.at + 1" } });
      expect(await pool.call.more()).toBe(8);
      await pool.define({ functions: { again: "() => booted.at + 2" } });
      await pool.undefine({ functions: ["more"] });
      expect(await pool.call.again()).toBe(9);
      expect(await failure(pool.call.more())).toMatchObject({ code: "unknown-function" });
    });

    it("is what a worker that comes later starts from, too", async () => {
      const pool = await start({ image, host });
      const restarted = new Promise((resolve) => pool.on("worker-restarted", resolve));
      const [worker] = pool.health();
      if (!pool.restartWorker(worker?.id ?? 0)) throw new Error("There is no worker to restart.");
      await restarted;
      expect(await Promise.all([1, 2, 3, 4].map(() => pool.call.born()))).toEqual(
        Array(4).fill(born),
      );
    });

    it("sessions begin with it, and their images fit it", async () => {
      const pool = await start({ image, host });
      const session = await pool.session();
      await session.eval("booted.at++");
      const back = await pool.restore(await session.snapshot());
      expect(await back.eval("booted.at")).toBe(8);
      expect(await back.run("twice", [1])).toBe(3);
    });

    it("is refused where it does not fit", async () => {
      const refusals: [PoolOptions, string][] = [
        [{ image }, 'host function "add"'],
        [{ image, host, engine: engine === "sync" ? "asyncify" : "sync" }, "engine"],
        [{ image, host, webApis: "none" }, "web APIs"],
        [{ image, host, fetch: { allow: ["https://a.example"] } }, "fetch"],
        [{ image, host, secret: "s" }, "not signed"],
        [{ image: image.subarray(0, 3_000), host }, "cut off"],
        [{ image: new Uint8Array(300), host }, "does not begin like one"],
      ];
      for (const [options, reason] of refusals) {
        const error = await failure(start(options));
        expect(error.code).toBe("image-refused");
        expect(error.message).toContain(reason);
      }
      expect(await failure(start({ image, bootstrap: "1" }))).toMatchObject({
        code: "invalid-argument",
      });
      expect(await failure(start({ image: "image" as never }))).toMatchObject({
        code: "invalid-argument",
      });
    });

    it("is signed where there is a secret", async () => {
      const pool = await start({ secret: "s", functions: { one: "() => 1" } });
      const signed = await pool.image();
      expect(await (await start({ image: signed, secret: "s" })).call.one()).toBe(1);
      const error = await failure(start({ image: signed, secret: "t" }));
      expect(error).toMatchObject({ code: "image-refused" });
      expect(error.message).not.toMatch(/"t"/);
    });
  });
}
