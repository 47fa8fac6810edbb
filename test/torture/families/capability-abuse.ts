import { expect } from "vitest";
import { both, either, failsWith, gives, givesWhat, tookNothing } from "../expectations.ts";
import { type Expectation, type Family, needsBlocking, scripts, type Stage } from "../vector.ts";

const taken =
  (look: (calls: unknown[][]) => void): Expectation =>
  (_outcome, { desk }) =>
    look(desk.taken);

export const capabilityAbuse: Family = {
  name: "capability abuse",
  slow: ["calls without an end or a wait"],
  pool: {
    host: {
      wide: (...values: unknown[]) => values.length,
      checked: {
        fn: (n: number) => n,
        validate: {
          "~standard": {
            validate: (value: unknown) =>
              typeof (value as unknown[])[0] === "number"
                ? { value }
                : { issues: [{ message: "expected a number", path: [0] }] },
          },
        },
      },
    },
  },
  vectors: [
    ...scripts([
      [
        "more calls than allowed",
        `let done = 0, refused = 0; for (let i = 0; i < 150; i++) await host.many().then(() => done++, (e) => { if (e instanceof RangeError) refused++; }); [done, refused]`,
        gives([100, 50]),
      ],
      [
        "more calls than allowed, at once",
        `const all = await Promise.allSettled(Array.from({ length: 500 }, () => host.many())); all.filter(({ status }) => status === "fulfilled").length`,
        gives(100),
      ],
      [
        "more calls than allowed, by two names for one function",
        `const { many } = host, again = host["many"]; let done = 0; for (let i = 0; i < 150; i++) await (i % 2 ? many : again)().then(() => done++, () => {}); done`,
        gives(100),
      ],
      [
        "a thousand calls where two may be under way",
        `(await Promise.all(Array.from({ length: 1000 }, () => host.gated()))).length`,
        gives(1000),
      ],
      [
        "five thousand calls at once",
        `(await Promise.all(Array.from({ length: 5000 }, (_, n) => host.one(n)))).length`,
        gives(5000),
      ],
      [
        "arguments that are refused by the validator",
        `const errors = []; for (const bad of [["x"], [], [{}], [null], [[1]]]) await host.checked(...bad).catch((e) => errors.push(e.name)); [errors, await host.checked(1)]`,
        gives([Array(5).fill("TypeError"), 1]),
      ],
      [
        "ten megabytes of arguments",
        `(await host.one(new Uint8Array(4 * 2 ** 20))).length`,
        gives(4 * 2 ** 20),
      ],
      [
        "arguments a hundred thousand deep",
        `let v = 1; for (let i = 0; i < 1e5; i++) v = [v]; await host.take(v).catch((e) => e.name)`,
        both(failsWith("output-exceeded"), tookNothing),
      ],
      [
        "arguments larger than the limit by reference",
        `await host.take(new Array(100).fill("x".repeat(2 ** 20))).catch((e) => e.name)`,
        both(failsWith("output-exceeded"), tookNothing),
      ],
      ["ten thousand arguments", `await host.wide(...new Array(1e4).fill(1))`, gives(10_000)],
      [
        "arguments with an endless length",
        `const a = []; a.length = 2 ** 32 - 1; await host.take(a); 1`,
        both(
          gives(1),
          taken((calls) => expect(calls[0]?.[0]).toHaveProperty("length", 2 ** 32 - 1)),
        ),
      ],
      [
        "names on the prototype of the table",
        `["constructor", "__proto__", "hasOwnProperty", "toString"].map((name) => { try { return typeof host[name]("x"); } catch (e) { return e.name; } })`,
        both(gives(Array(4).fill("TypeError")), tookNothing),
      ],
      [
        "a table as a function",
        `try { await host.tree(); } catch (e) { e.name }`,
        gives("TypeError"),
      ],
      ["a function as a table", `typeof host.one.branch`, gives("undefined")],
      [
        "a function that never answers in time",
        `await host.quick().catch((e) => e.name)`,
        gives("TimeoutError"),
      ],
      [
        "calls out of every kind of callback",
        `const seen = []; await new Promise((done) => setTimeout(() => { seen.push(host.one(1)); done(); })); [2].sort(() => host.one(2)); "a".replace(/a/, () => { seen.push(host.one(3)); return ""; }); JSON.parse("[1]", (k, v) => (seen.push(host.one(4)), v)); (await Promise.all(seen)).length`,
        gives(4),
      ],
      [
        "a call inside a getter, while arguments are read",
        `await host.one({ a: 1, get b() { host.take("inside"); return 1; } }).catch((e) => e.name)`,
        both(gives("TypeError"), tookNothing),
      ],
      [
        "calls that are never awaited",
        `for (let i = 0; i < 1000; i++) host.one(i); "done"`,
        gives("done"),
      ],
      [
        "failures that are never awaited",
        `for (let i = 0; i < 100; i++) host.fail(); await null; "done"`,
        gives("done"),
      ],
      [
        "arguments changed while they travel",
        `const list = [1]; const sent = host.take(list); list.push(2); await sent; 1`,
        both(
          gives(1),
          taken((calls) => expect(calls).toEqual([[[1]]])),
        ),
      ],
      [
        "a result changed by the guest",
        `const v = await host.one({ list: [1] }); v.list.push(2); (await host.one({ list: [1] })).list`,
        gives([1]),
      ],
    ]),
    ...scripts(
      [
        ["calls without an end", `for (;;) await host.one(1)`, failsWith("timeout")],
        ["a call that never returns", `await host.hold()`, failsWith("timeout")],
      ],
      { limits: { timeoutMs: 60 } },
    ),
    ...scripts(
      [
        ["calls that block, without an end", `for (;;) hostSync.one(1)`, failsWith("timeout")],
        [
          "a call that blocks and never returns",
          `try { hostSync.hold(); } catch (e) { throw new Error("promise") }`,
          either(failsWith("timeout"), failsWith("guest-error", /^promise$/)),
        ],
      ],
      { limits: { timeoutMs: 60 }, skip: needsBlocking },
    ),
    {
      name: "megabytes that come back from a call that blocks",
      script: `hostSync.one(new Uint8Array(3 * 2 ** 20)).length`,
      expect: gives(3 * 2 ** 20),
      skip: needsBlocking,
    },
    {
      // What was called until then is on its way already, and is read before it is dropped.
      name: "calls without an end or a wait",
      script: `for (;;) host.one(1)`,
      limits: { timeoutMs: 60 },
      withinMs: 5_000,
      // Whichever is reached first: a fast machine makes ten thousand calls in that time.
      expect: either(
        failsWith("timeout"),
        failsWith("memory-exceeded"),
        failsWith("host-calls-exceeded"),
      ),
    },
    {
      name: "a call after the run has ended",
      act: async ({ pool, desk }: Stage) => {
        await pool.eval(
          `setTimeout(() => host.take("late"), 5); (async () => { await new Promise((go) => setTimeout(go, 5)); host.take("late"); })(); 1`,
        );
        await pool.eval(`await new Promise((go) => setTimeout(go, 30)); 1`);
        return desk.taken;
      },
      expect: gives([]),
    },
    {
      name: "a call that comes back into the pool",
      pool: {
        host: {
          again: async function again(this: { runId: number }, n: number): Promise<unknown> {
            return n <= 0 ? "bottom" : n;
          },
        },
      },
      act: async ({ pool, desk }: Stage) => {
        const run = pool.eval(`await host.hold()`);
        await desk.nextHeld();
        const inner = await pool.eval(`await host.again(0)`);
        desk.held[0]?.resolve(inner);
        return run;
      },
      expect: gives("bottom"),
    },
    {
      name: "one function's gate held by a run that was ended",
      act: async ({ pool }: Stage) => {
        await pool.execute(
          { eval: `for (let i = 0; i < 50; i++) host.gated(); for (;;);` },
          { timeoutMs: 30 },
        );
        return pool.eval(`await Promise.all([host.gated(), host.gated(), host.gated()])`);
      },
      expect: gives([1, 1, 1]),
    },
    {
      name: "the calls of many runs at once",
      act: async ({ pool }: Stage) =>
        Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            pool.eval(
              `(await Promise.all(Array.from({ length: 20 }, () => host.one(${n})))).every((v) => v === ${n})`,
            ),
          ),
        ),
      expect: givesWhat((all: boolean[]) => expect(all.every(Boolean)).toBe(true)),
    },
  ],
};
