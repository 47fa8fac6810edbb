/**
 * Many runs that wait at once: more than there are sandboxes, so that most of them are put away and
 * brought back. Whatever they had must still be there.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool, SkepError } from "skep";
import type { Terrain } from "./suite.ts";

/** More than a worker has sandboxes for. */
const MANY = 150;

const FUNCTIONS = {
  remember: `async (number) => {
    globalThis.number = number;
    const kept = { map: new Map([[number, "n" + number]]), bytes: new Uint8Array(3000).fill(number) };
    const drawn = Math.random();
    class Counter { #count = number; next() { return ++this.#count; } }
    const counter = new Counter();
    const answer = await host.gate(number);
    const again = await host.gate(answer);
    return [globalThis.number, kept.map.get(number), kept.bytes[2999] === number % 256, counter.next(), again, drawn];
  }`,
  sleep: "async (ms, value) => { await new Promise((r) => setTimeout(r, ms)); return value; }",
  pair: "async (n) => (await Promise.all([host.gate(n), host.gate(n + 1)])).join()",
  heavy: `async (n) => {
    const kept = new Uint8Array(6 * 2 ** 20).fill(n);
    await host.gate(n);
    return kept[kept.length - 1];
  }`,
  throwLater: "async (n) => { await host.gate(n); throw new RangeError('late ' + n); }",
  grow: "async (n) => { await host.gate(n); const a = []; for (;;) a.push(new Uint8Array(1e5)); }",
  leak: "() => [typeof globalThis.number, Object.getOwnPropertyNames(globalThis).length]",
  version: "async (n) => { await host.gate(n); return 'first'; }",
};

export function waitingRunsContract(terrain: Terrain): void {
  const { environment, engine } = terrain;

  describe(`runs that wait: ${environment}, ${engine}`, () => {
    let pool: Pool;
    const opened: (() => void)[] = [];
    let awaited: { count: number; arrived: () => void } | undefined;
    const numbers = Array.from({ length: MANY }, (_, index) => index);

    function openAll(): void {
      for (const open of opened.splice(0)) open();
    }

    /** Resolves once as many runs wait at the gate. */
    function waiting(count: number): Promise<void> {
      return new Promise((arrived) => {
        awaited = { count, arrived };
        check();
      });
    }

    function check(): void {
      if (awaited !== undefined && opened.length >= awaited.count) awaited.arrived();
    }

    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        limits: { timeoutMs: 20_000, memoryBytes: 32 * 2 ** 20 },
        functions: FUNCTIONS,
        host: {
          gate: (value: number) =>
            new Promise((resolve) => {
              opened.push(() => resolve(value));
              check();
            }),
        },
      });
    });
    afterAll(() => pool.close({ force: true }));

    it("keep what they had, each its own", async () => {
      const runs = numbers.map((number) => pool.run<unknown[]>("remember", [number]));
      await waiting(MANY);
      const [kind] = await pool.run<[string, number]>("leak");
      expect(kind).toBe("undefined");
      openAll();
      await waiting(MANY);
      openAll();
      const results = await Promise.all(runs);
      for (const [number, result] of results.entries()) {
        expect(result.slice(0, 5)).toEqual([number, `n${number}`, true, number + 1, number]);
      }
      expect(new Set(results.map((result) => result[5])).size).toBe(MANY);
    });

    it("hear of timers, and of several answers at once", async () => {
      const sleeps = numbers.map((number) => pool.run("sleep", [20 + (number % 7), number]));
      const pairs = numbers.map((number) => pool.run("pair", [number]));
      await waiting(2 * MANY);
      openAll();
      expect(await Promise.all(sleeps)).toEqual(numbers);
      expect(await Promise.all(pairs)).toEqual(numbers.map((number) => `${number},${number + 1}`));
    });

    it("end while they are put away", async () => {
      const controller = new AbortController();
      const settled = await Promise.allSettled([
        ...numbers.map((number) => {
          const options = number % 2 === 0 ? { signal: controller.signal } : { timeoutMs: 300 };
          return pool.run("remember", [number], options);
        }),
        waiting(MANY).then(() => controller.abort()),
      ]);
      const codes = settled.slice(0, MANY).map((result) => {
        return result.status === "rejected" && (result.reason as SkepError).code;
      });
      expect(codes).toEqual(numbers.map((number) => (number % 2 === 0 ? "aborted" : "timeout")));
      // What was asked for finds nobody.
      openAll();
      expect(await pool.run("sleep", [1, "next"])).toBe("next");
    });

    it("throw, and reach their limits, as they would have", async () => {
      const runs = numbers
        .slice(0, 60)
        .map((number) =>
          pool.execute({ run: number % 10 === 9 ? "grow" : "throwLater", args: [number] }),
        );
      await waiting(60);
      openAll();
      const messages = (await Promise.all(runs)).map((outcome) => {
        if (outcome.ok) return "ended";
        return outcome.error.code === "guest-error" ? outcome.error.message : outcome.error.code;
      });
      expect(messages).toEqual(
        numbers.slice(0, 60).map((n) => (n % 10 === 9 ? "memory-exceeded" : `late ${n}`)),
      );
    });

    it("may have much in memory, or little room", async () => {
      const heavy = [1, 2, 3, 4, 5, 6].map((number) => pool.run("heavy", [number]));
      const small = numbers.slice(0, 40).map((number) => {
        return pool.run<unknown[]>("remember", [number], { memoryBytes: 4 * 2 ** 20 });
      });
      await waiting(46);
      openAll();
      await waiting(40);
      openAll();
      expect(await Promise.all(heavy)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await Promise.all(small)).map(([number]) => number)).toEqual(numbers.slice(0, 40));
    });

    it("go on with the definitions they started with", async () => {
      const before = numbers.slice(0, 60).map((number) => pool.run("version", [number]));
      await waiting(60);
      await pool.define({ functions: { extra: "() => 'extra'" } });
      const after = numbers.slice(0, 60).map((number) => pool.run("version", [number]));
      expect(await pool.run("extra")).toBe("extra");
      await waiting(120);
      openAll();
      expect(new Set(await Promise.all([...before, ...after]))).toEqual(new Set(["first"]));
    });
  });
}
