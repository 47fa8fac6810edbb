/** Functions of the host, called by guests: the same suite in every environment. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostCallContext, Pool, StandardSchema } from "skep";
import { failure } from "./failure.ts";
import { hostFaultsContract } from "./host-faults.ts";
import type { Terrain } from "./suite.ts";

/** Accepts `[number]`, and hands it on doubled. */
const doubling: StandardSchema = {
  "~standard": {
    validate: (value) => {
      const [first] = value as unknown[];
      return typeof first === "number"
        ? { value: [first * 2] }
        : { issues: [{ message: "expected a number", path: [0] }] };
    },
  },
};

export function hostFunctionsContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  /** Where hostSync can work at all. */
  const canBlock = terrain.signals || !terrain.threaded;

  hostFaultsContract(terrain);

  describe(`host functions: ${environment}, ${engine}`, () => {
    let pool: Pool;
    const seen: HostCallContext[] = [];
    const aborted: string[] = [];
    let late: ((value: string) => void) | undefined;
    let active = 0;
    let mostActive = 0;

    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        maxInFlightPerWorker: 300,
        limits: { timeoutMs: 5_000, memoryBytes: 24 * 2 ** 20 },
        host: {
          add: (a: number, b: number) => a + b,
          later: async (value: unknown) => {
            await new Promise((resolve) => setTimeout(resolve, 10));
            return value;
          },
          db: { users: { name: async (id: number) => `user ${id}` } },
          context(this: HostCallContext) {
            seen.push(this);
            return [this.runId > 0, this.key];
          },
          hang(this: HostCallContext) {
            this.signal.addEventListener("abort", () => aborted.push("hang"));
            return new Promise(() => {});
          },
          late: () =>
            new Promise<string>((resolve) => {
              late = resolve;
            }),
          fail: () => {
            throw Object.assign(new RangeError("no"), {
              code: "E_NO",
              detail: { n: 1 },
              secret: () => 1,
            });
          },
          failText: async () => Promise.reject("just text"),
          bad: () => ({ deep: [() => 1] }),
          slow: { fn: () => new Promise(() => {}), timeoutMs: 30 },
          twice: { fn: (n: number) => n, maxCallsPerRun: 2 },
          doubled: {
            fn: (n: number) => n,
            validate: doubling,
            signature: "(n: number): Promise<number>",
          },
          gated: {
            fn: async () => {
              mostActive = Math.max(mostActive, ++active);
              await new Promise((resolve) => setTimeout(resolve, 5));
              active--;
            },
            concurrency: 3,
          },
          reenter: async (n: number): Promise<unknown> => pool.eval(`${n} * 2`),
          large: () => new Uint8Array(300_000).fill(7),
        },
      });
    });
    afterAll(() => pool.close({ force: true }));

    it("are awaited, with values both ways", async () => {
      expect(await pool.eval("await host.add(1, 2)")).toBe(3);
      const value = "{ m: new Map([['a', new Date(5)]]), b: 2n ** 70n, u: new Uint8Array([1]) }";
      expect(await pool.eval(`await host.later(${value})`)).toEqual({
        m: new Map([["a", new Date(5)]]),
        b: 2n ** 70n,
        u: new Uint8Array([1]),
      });
      expect(await pool.eval("host.db.users.name(7)")).toBe("user 7");
      expect(await pool.eval("(await host.large()).length")).toBe(300_000);
      expect(await pool.eval("[typeof host.nothing, Object.keys(host.db)]")).toEqual([
        "undefined",
        ["users"],
      ]);
    });

    it("run concurrently within a run and across runs", async () => {
      const source =
        "(await Promise.all(Array.from({ length: 20 }, (_, n) => host.later(n)))).length";
      const results = await Promise.all(Array.from({ length: 30 }, () => pool.eval(source)));
      expect(new Set(results)).toEqual(new Set([20]));
    });

    it("know their run", async () => {
      expect(await pool.eval("host.context()", { key: "tenant-7" })).toEqual([true, "tenant-7"]);
      expect(seen.at(-1)?.signal.aborted).toBe(true);
    });

    it("are told when their run ends, and late replies find nobody", async () => {
      expect(await failure(pool.eval("await host.hang()", { timeoutMs: 60 }))).toMatchObject({
        code: "timeout",
      });
      expect(aborted).toContain("hang");
      expect(await failure(pool.eval("await host.late()", { timeoutMs: 60 }))).toMatchObject({
        code: "timeout",
      });
      const next = pool.eval(
        "await new Promise((resolve) => setTimeout(resolve, 50)); typeof leaked",
      );
      late?.("too late");
      expect(await next).toBe("undefined");
    });

    it("fail with name, message, code and data, never with host frames", async () => {
      const source =
        "try { await host.fail(); } catch (e) { [e.name, e.message, e.code, e.detail, e.stack, typeof e.secret, e instanceof RangeError] }";
      expect(await pool.eval(source)).toEqual([
        "RangeError",
        "no",
        "E_NO",
        { n: 1 },
        "",
        "undefined",
        true,
      ]);
      expect(
        await pool.eval("try { await host.failText(); } catch (e) { [e.name, e.message] }"),
      ).toEqual(["Error", "just text"]);
      const error = await failure(pool.eval("await host.fail()"));
      expect(error).toMatchObject({ code: "guest-error", name: "RangeError" });
      expect(String(error.stack)).not.toMatch(/host-functions|node_modules/);
    });

    it("refuse results and arguments that cannot cross, and go on", async () => {
      const bad = await failure(pool.eval("await host.bad()"));
      expect(bad.message).toContain("the result of host.bad.deep[0] is a function");
      const refused = await failure(pool.eval("await host.add(() => 1, 2)"));
      expect(refused.message).toContain("args[0] is a function");
      expect(await pool.eval("host.add(2, 3)")).toBe(5);
    });

    it("have limits of their own", async () => {
      expect(await pool.eval("try { await host.slow(); } catch (e) { e.name }")).toBe(
        "TimeoutError",
      );
      const often =
        "await host.twice(1); await host.twice(2); try { await host.twice(3); } catch (e) { e.message }";
      expect(await pool.eval(often)).toBe("host.twice may be called 2 times per run.");
      expect(await pool.eval("host.doubled(4)")).toBe(8);
      expect((await failure(pool.eval("host.doubled('x')"))).message).toContain(
        "args[0]: expected a number",
      );
      await pool.eval("await Promise.all(Array.from({ length: 20 }, () => host.gated()))");
      expect(mostActive).toBe(3);
    });

    it("may call the pool again", async () => {
      expect(await pool.eval("await host.reenter(21)")).toBe(42);
    });

    it("are looked up by own name only", async () => {
      for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "then"]) {
        expect(await pool.eval(`typeof host[${JSON.stringify(name)}]`)).toBe("undefined");
      }
    });

    it("are counted in the receipt, and not run again", async () => {
      const { receipt } = await pool.execute({
        eval: "await host.add(1, 1); await host.add(1, 1); 0",
      });
      expect(receipt.hostCalls).toBe(2);
    });

    it.runIf(canBlock)("work synchronously where blocking is possible", async () => {
      expect(await pool.eval("hostSync.add(1, 2) + hostSync.add(3, 4)")).toBe(10);
      expect(await pool.eval("try { hostSync.fail(); } catch (e) { [e.name, e.code] }")).toEqual([
        "RangeError",
        "E_NO",
      ]);
      expect(await pool.eval("hostSync.large().length + hostSync.large()[299999]")).toBe(300_007);
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) => pool.eval(`hostSync.add(${n}, 1)`)),
      );
      expect(results).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    });

    it.runIf(canBlock && terrain.threaded)(
      "block for promises, within the run's limits",
      async () => {
        expect(await pool.eval("hostSync.later('x')")).toBe("x");
        const stuck = pool.eval("try { hostSync.hang(); } catch {} for (;;) {}", { timeoutMs: 80 });
        expect(await failure(stuck)).toMatchObject({ code: "timeout" });
        const controller = new AbortController();
        const cancelled = pool.eval("hostSync.hang()", { signal: controller.signal });
        setTimeout(() => controller.abort(), 30);
        expect(await failure(cancelled)).toMatchObject({ code: "aborted" });
        expect(await pool.eval("hostSync.add(1, 2)")).toBe(3);
      },
    );

    it.runIf(!terrain.threaded)(
      "say what to use for promises in the caller's own thread",
      async () => {
        const error = await failure(pool.eval("hostSync.later(1)"));
        expect(error.message).toContain("await host.later()");
      },
    );

    it.runIf(!canBlock)("say what is missing for synchronous calls", async () => {
      const error = await failure(pool.eval("hostSync.add(1, 2)"));
      expect(error.message).toMatch(/SharedArrayBuffer.*await host\.add/);
    });

    it("come and go", async () => {
      await pool.define({ host: { passing: () => 1 } });
      expect(await pool.eval("host.passing()")).toBe(1);
      await pool.define({ host: { passing: () => 2 } });
      expect(await pool.eval("host.passing()")).toBe(2);
      await pool.undefine({ host: ["passing"] });
      expect(await pool.eval("typeof host.passing")).toBe("undefined");
    });

    it("are refused when they are none", async () => {
      for (const host of [
        { "not a name": () => 1 },
        { x: 1 },
        { x: { fn: () => 1, timeoutMs: -1 } },
        { x: { fn: () => 1, tiemout: 1 } },
      ]) {
        expect(await failure(pool.define({ host: host as never }))).toMatchObject({
          code: "invalid-argument",
        });
      }
    });

    it("describe themselves in TypeScript", () => {
      const text = pool.describe();
      expect(text).toContain("declare const host: {");
      expect(text).toContain("  doubled(n: number): Promise<number>;");
      expect(text).toContain("  doubled(n: number): number;");
      expect(text).toMatch(/db: \{\n {4}users: \{\n {6}name\(/);
    });
  });
}
