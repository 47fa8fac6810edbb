import type { Pool, RunOutcome } from "skep";
import { expect } from "vitest";
import { either, failsWith, gives, givesWhat } from "../expectations.ts";
import { type Family, needsThread, scripts, type Stage } from "../vector.ts";

const ends = (outcomes: RunOutcome[]): string[] =>
  outcomes.map((end) => (end.ok ? "ok" : end.error.code));

/** The worker of the moment. */
function restart(pool: Pool): void {
  const [worker] = pool.health();
  if (worker) pool.restartWorker(worker.id);
}

const count = (codes: string[], code: string): number =>
  codes.filter((found) => found === code).length;

export const workerSabotage: Family = {
  name: "worker sabotage",
  vectors: [
    ...scripts([
      [
        "ways to end a worker",
        `["process", "close", "self", "exit", "quit", "abort", "gc", "std"].filter((name) => name in globalThis)`,
        gives([]),
      ],
      [
        "a deep free in the engine",
        `let v = null; for (let i = 0; i < 1e5; i++) v = { v, f: () => v, m: new Map([[v, v]]) }; v = null; 1`,
        either(gives(1), failsWith("memory-exceeded"), failsWith("stack-exceeded")),
      ],
      [
        "the engine's garbage collector under pressure",
        `for (let i = 0; i < 1e5; i++) { const a = {}; a.self = a; a.f = () => a; } 1`,
        gives(1),
      ],
      [
        "typed arrays over a buffer that shrinks",
        `const b = new ArrayBuffer(1024, { maxByteLength: 4096 }); const v = new Uint32Array(b); b.resize(8); v[200] = 1; v.fill(7); b.resize(4096); [v.length, v[200] ?? null]`,
        givesWhat((v) => expect(v).toHaveLength(2)),
      ],
      [
        "sort that changes its array",
        `const a = Array.from({ length: 1000 }, (_, n) => 1000 - n); a.sort((x, y) => { a.length = 0; a.push({}); return x - y; }); 1`,
        gives(1),
      ],
      [
        "splice with a species that lies",
        `const a = [1, 2, 3]; a.constructor = { [Symbol.species]: function () { return new Proxy([], { defineProperty() { a.length = 0; return true; } }); } }; a.splice(0, 2); 1`,
        gives(1),
      ],
      [
        "a callback that detaches its buffer",
        `const v = new Uint8Array(1024); v.map((x, n) => { if (n === 3) v.buffer.transfer(); return x; }); v.length`,
        gives(0),
      ],
      [
        "a comparison that frees",
        `const m = new Map(); for (let i = 0; i < 1000; i++) m.set({}, i); m.forEach((_, key) => { m.delete(key); m.set({}, 1); if (m.size > 5) m.clear(); }); m.size`,
        gives(0),
      ],
      [
        "an expression with everything",
        `/(?<=(\\d+)(\\w*))\\k<x>|(?<x>a(?!b))[^\\x00-\\uffff]{0,65535}/u.test("1a".repeat(100))`,
        givesWhat((found) => expect(typeof found).toBe("boolean")),
      ],
      [
        "a generator that runs itself",
        `let g; g = (function* () { try { g.next(); } catch (e) { yield e.name; } })(); g.next().value`,
        gives("TypeError"),
      ],
      [
        "a proxy whose traps change its target",
        `const t = { a: 1 }; const p = new Proxy(t, { ownKeys() { for (let i = 0; i < 100; i++) delete t["k" + i], t["k" + (i + 1)] = i; return Reflect.ownKeys(t); }, getOwnPropertyDescriptor(o, k) { delete o[k]; return undefined; } }); Object.keys(p).length`,
        gives(0),
      ],
      [
        "an array whose length changes while it is joined",
        `const a = [{ toString() { a.length = 1e6; a.fill(1); a.length = 0; return "x"; } }, 2, 3]; a.join().startsWith("x")`,
        gives(true),
      ],
    ]),
    {
      name: "a worker replaced under its runs",
      act: async ({ pool }: Stage) => {
        const runs = Array.from({ length: 10 }, (_, n) =>
          pool.execute({ eval: `await new Promise((done) => setTimeout(done, 40)); ${n}` }),
        );
        await new Promise((go) => setTimeout(go, 15));
        restart(pool);
        return ends(await Promise.all(runs));
      },
      expect: givesWhat((codes) => expect(codes).toEqual(Array(10).fill("ok"))),
      skip: needsThread,
      slow: true,
    },
    {
      name: "a worker replaced under runs that have called the host",
      act: async ({ pool, desk }: Stage) => {
        const run = pool.execute({ eval: `await host.hold()` });
        await desk.nextHeld();
        restart(pool);
        return ends([await run]);
      },
      expect: gives(["worker-lost"]),
      skip: needsThread,
      slow: true,
    },
    {
      name: "a hundred runs while the worker is replaced again and again",
      pool: {
        restart: { maxPerWorker: 1_000, maxAttemptsPerRun: 20, baseDelayMs: 0, jitterMs: 0 },
      },
      act: async ({ pool }: Stage) => {
        const runs = Array.from({ length: 100 }, (_, n) =>
          pool.execute({ eval: `await null; ${n}` }),
        );
        for (let round = 0; round < 3; round++) restart(pool);
        return ends(await Promise.all(runs));
      },
      expect: givesWhat((codes: string[]) =>
        expect(count(codes, "ok") + count(codes, "worker-lost")).toBe(100),
      ),
      skip: needsThread,
      slow: true,
    },
    {
      name: "a pool closed by force under a hundred runs",
      act: async ({ terrain }: Stage) => {
        const { environment, engine } = terrain;
        const closing = await terrain.createPool({ environment, engine, workers: 1 });
        const runs = Array.from({ length: 100 }, () =>
          closing.execute({ eval: `await new Promise((done) => setTimeout(done, 1000))` }),
        );
        await closing.close({ force: true });
        return ends(await Promise.all(runs));
      },
      expect: gives(Array(100).fill("closed")),
    },
    {
      name: "a hundred runs aborted together",
      act: async ({ pool }: Stage) => {
        const controller = new AbortController();
        const runs = Array.from({ length: 100 }, () =>
          pool.execute(
            { eval: `await new Promise((done) => setTimeout(done, 5000))` },
            { signal: controller.signal },
          ),
        );
        await new Promise((go) => setTimeout(go, 10));
        controller.abort();
        return ends(await Promise.all(runs));
      },
      expect: gives(Array(100).fill("aborted")),
    },
    {
      name: "runs aborted at random instants",
      act: async ({ pool }: Stage) => {
        const runs = Array.from({ length: 60 }, (_, n) => {
          const controller = new AbortController();
          setTimeout(() => controller.abort(), n % 17);
          return pool.execute(
            {
              eval: `let x = 0; for (let i = 0; i < ${n % 5} * 1e5; i++) x += i; await new Promise((done) => setTimeout(done, ${n % 13})); x`,
            },
            { signal: controller.signal },
          );
        });
        return ends(await Promise.all(runs));
      },
      expect: givesWhat((codes: string[]) =>
        expect(count(codes, "ok") + count(codes, "aborted")).toBe(60),
      ),
    },
    {
      name: "every kind of end in one crowd",
      act: async ({ pool }: Stage) => {
        const kinds = [
          `1`,
          `throw 1`,
          `for (;;);`,
          `const k = []; for (;;) k.push(new Uint8Array(1e6))`,
          `const f = () => f() + 1; f()`,
          `await new Promise(() => {})`,
          `() => 1`,
        ];
        const outcomes = await Promise.all(
          Array.from({ length: 21 }, (_, n) =>
            pool.execute({ eval: kinds[n % 7] as string }, { timeoutMs: 200 }),
          ),
        );
        return ends(outcomes).slice(0, 7);
      },
      limits: { timeoutMs: 5_000 },
      expect: gives([
        "ok",
        "guest-error",
        "timeout",
        "memory-exceeded",
        "stack-exceeded",
        "timeout",
        "not-marshallable",
      ]),
      slow: true,
    },
    {
      name: "a worker that hangs, again and again",
      act: async ({ pool }: Stage) => {
        const codes: string[] = [];
        for (let round = 0; round < 3; round++) {
          const end = await pool.execute(
            { eval: `Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 0)` },
            { timeoutMs: 30 },
          );
          codes.push(end.ok ? "ok" : end.error.code);
        }
        return codes;
      },
      expect: gives(["timeout", "timeout", "timeout"]),
      skip: needsThread,
      slow: true,
    },
  ],
};
