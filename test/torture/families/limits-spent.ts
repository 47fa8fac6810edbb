import { expect } from "vitest";
import type { Pool } from "skep";
import { both, calls, either, failsWith, gives, givesWhat, tookNothing } from "../expectations.ts";
import { type Expectation, type Family, scripts, type Stage, type Vector } from "../vector.ts";

const after = `host.take("after")`;

/** Guests that go on computing, by every way there is. */
const SPINNING: Readonly<Record<string, string>> = {
  "catch and finally": `for (;;) { try { for (;;); } catch { ${after}; } finally { ${after}; for (;;); } }`,
  "an async generator's finally": `async function* g() { try { for (;;) yield 1; } finally { ${after}; } } for await (const x of g()) for (;;);`,
  "small slices across awaits": `for (;;) { for (let i = 0; i < 1e4; i++); await null; }`,
  "timers that arm themselves again": `const f = () => { setTimeout(f); for (let i = 0; i < 1e4; i++); }; f(); await new Promise(() => {})`,
  intervals: `setInterval(() => { for (let i = 0; i < 1e4; i++); }); await new Promise(() => {})`,
  "promise chains that catch": `const f = () => Promise.resolve().then(() => { for (let i = 0; i < 1e4; i++); }).then(f, f).catch(f).finally(f); f(); await new Promise(() => {})`,
  microtasks: `const f = () => queueMicrotask(() => { f(); for (let i = 0; i < 1e4; i++); }); f(); await new Promise(() => {})`,
  thenables: `const t = { then(resolve) { for (let i = 0; i < 1e4; i++); resolve(t); } }; await t`,
  "nested evals": `const f = (n) => { try { return eval("for (let i = 0; i < 1e4; i++); n > 5 ? f(0) : f(n + 1)"); } catch { return f(0); } }; for (;;) try { f(0); } catch {}`,
  "functions made of text": `for (;;) { try { new Function("for (;;);")(); } catch { ${after}; } }`,
  "host calls in between": `for (;;) { await host.one(1); for (let i = 0; i < 1e4; i++); }`,
  "event listeners": `const t = new EventTarget(); t.addEventListener("x", () => { for (let i = 0; i < 1e4; i++); t.dispatchEvent(new Event("x")); }); for (;;) try { t.dispatchEvent(new Event("x")); } catch {}`,
  "a clock that stands still": `Date.now = performance.now = () => 0; globalThis.performance = { now: () => 0 }; Math.max = () => 0; Math.ceil = () => 0; for (;;) await null;`,
};

/** Each limit has the first few in `npm test`, and all of them in `npm run torture`. */
const FAST_COUNT = 5;

function spinning(
  what: string,
  limits: NonNullable<Vector["limits"]>,
  expectation: Expectation,
): Vector[] {
  return Object.entries(SPINNING).map(([name, script], index) => ({
    name: `${what}: ${name}`,
    script,
    limits,
    // Recursion may be over first: asyncify has little stack in a page's or Node's own thread, and
    // what it unwinds takes memory.
    expect: both(
      either(expectation, failsWith("stack-exceeded"), failsWith("memory-exceeded")),
      tookNothing,
    ),
    ...(index < FAST_COUNT ? {} : { slow: true as const }),
  }));
}

const manyCalls = (limit: number, message = new RegExp(`${limit} times`)): Expectation =>
  both(failsWith("host-calls-exceeded", message), calls(limit));

/** What came out of the console of what `run` does. */
async function consoleOf({ pool }: Stage, run: (pool: Pool) => Promise<unknown>): Promise<string> {
  let text = "";
  const off = pool.on("console", (event) => (text += event.text));
  try {
    await run(pool);
  } finally {
    off();
  }
  return text;
}

/** Guests that have spent a limit and try to go on, or to have it back. */
export const limitsSpent: Family = {
  name: "limits: spent",
  vectors: [
    ...spinning("cpuMs", { cpuMs: 40 }, failsWith("cpu-exceeded", /(allows|more than) 40 ms/)),
    ...spinning("gas", { gas: 30 }, failsWith("gas-exceeded", /30 interrupt polls/)),
    ...spinning("totalMs", { totalMs: 60 }, failsWith("timeout", /limits\.totalMs|60 ms/)),
    ...scripts(
      [
        ["hostCalls: catch", `for (;;) { try { await host.one(1); } catch { ${after}; } }`],
        ["hostCalls: finally", `try { for (;;) await host.one(1); } finally { ${after}; }`],
        [
          "hostCalls: a call for each refusal",
          `const f = () => host.one(1).then(f, f); await Promise.all([f(), f(), f()])`,
        ],
        [
          "hostCalls: not awaited",
          `for (let n = 0; n < 100; n++) try { host.one(n); } catch { ${after}; } ${after}`,
        ],
        [
          "hostCalls: from timers and microtasks",
          `const f = () => { setTimeout(f); queueMicrotask(() => { host.one(1); }); }; f(); await new Promise(() => {})`,
        ],
        [
          "hostCalls: in an async generator's finally",
          `async function* g() { try { for (;;) yield await host.one(1); } finally { await host.one(2); ${after}; } } for await (const x of g());`,
        ],
        [
          "hostCalls: from getters of arguments",
          // Each is refused for what it is, and counts: there is something to catch before the limit.
          `const f = () => host.one({ get x() { f(); return 1; } }); for (;;) try { await f(); } catch {}`,
        ],
        [
          "hostCalls: calls that do not exist and calls that fail",
          `for (;;) { try { await host.fail(); } catch {} try { await host.none(); } catch {} try { await host.one(Symbol("x")); } catch {} }`,
        ],
      ].map(([name = "", script = ""]) => [name, script, manyCalls(5)] as const),
      { limits: { hostCalls: 5 } },
    ),
    ...scripts(
      [
        [
          "bytesOut: catch",
          `for (;;) { try { await host.one("x".repeat(1000)); } catch { ${after}; } }`,
          both(failsWith("output-exceeded"), tookNothing),
        ],
        [
          "bytesOut: one call that is too large, and then a small one",
          `try { await host.one("x".repeat(50_000)); } catch { ${after}; } finally { ${after}; } ${after}`,
          both(failsWith("output-exceeded"), tookNothing),
        ],
        [
          "bytesOut: in slices, not awaited",
          `for (let n = 0; n < 2_000; n++) { try { host.one("xxxxxxxx"); } catch { ${after}; } }`,
          both(failsWith("output-exceeded"), tookNothing),
        ],
        [
          "bytesOut: calls and then a result",
          `await host.one("x".repeat(6_000)); "y".repeat(6_000)`,
          failsWith("output-exceeded"),
        ],
        [
          // Errors have bounds of their own, whatever the guest puts into them.
          "bytesOut: an error's message, data and causes",
          `let e = new Error("mine"); for (let n = 0; n < 50; n++) e = Object.assign(new Error("x".repeat(3e4), { cause: e }), { a: "y".repeat(3e4), b: "z".repeat(3e4) }); throw e`,
          both(failsWith("guest-error"), ({ receipt }) =>
            expect(receipt.bytesOut).toBeLessThan(2 ** 21),
          ),
        ],
        [
          "bytesOut: a result of many small parts",
          `Array.from({ length: 5_000 }, (_, n) => ({ n }))`,
          failsWith("output-exceeded"),
        ],
        [
          "bytesIn: catch",
          `for (;;) { try { await host.one("x".repeat(1000)); } catch { ${after}; } }`,
          both(either(failsWith("input-exceeded"), failsWith("output-exceeded")), tookNothing),
        ],
      ],
      { limits: { bytesOut: 10_000 } },
    ),
    ...scripts(
      [
        [
          "bytesIn: answers that are asked for again and again",
          `for (;;) { try { await host.one(new Uint8Array(1000)); } catch { ${after}; } finally { globalThis.n = (globalThis.n ?? 0) + 1; } }`,
          both(failsWith("input-exceeded"), tookNothing),
        ],
        [
          "bytesIn: many answers at once, each small",
          `const all = await Promise.allSettled(Array.from({ length: 500 }, () => host.one("x".repeat(100)))); await host.take("after")`,
          both(failsWith("input-exceeded"), tookNothing),
        ],
        [
          "bytesIn: one answer that is too large",
          `try { await host.one("x".repeat(50_000)); } catch { ${after}; } ${after}`,
          both(failsWith("input-exceeded"), tookNothing),
        ],
        ["bytesIn: source text", `1 /* ${"x".repeat(20_000)} */`, failsWith("input-exceeded")],
      ],
      { limits: { bytesIn: 10_000 } },
    ),
    {
      name: "consoleBytes: catch, slices, getters and timers",
      act: (stage) =>
        consoleOf(stage, (pool) =>
          pool.eval(
            `console.log = console.log; for (let n = 0; n < 200; n++) { try { console.log("xxxxxxxxxx"); console.error({ get a() { console.warn("yyyyyyyyyy"); return 1; } }); } catch {} await null; } await new Promise((done) => setTimeout(() => { console.info("z".repeat(5000)); done(); })); 1`,
            { consoleBytes: 500 },
          ),
        ),
      expect: givesWhat((text: string) => {
        expect(text.length).toBeLessThan(700);
        expect(text).toMatch(/500 bytes is cut/);
        expect(text.match(/is cut/g)).toHaveLength(1);
      }),
    },
    {
      name: "consoleBytes: the next run has its own",
      act: (stage) =>
        consoleOf(stage, async (pool) => {
          await pool.eval(`console.log("x".repeat(5000))`, { consoleBytes: 100 });
          await pool.eval(`console.log("whole")`, { consoleBytes: 100 });
        }),
      expect: givesWhat((text: string) => expect(text).toMatch(/whole$/)),
    },
    {
      name: "stackBytes: depth that is caught at each level",
      script: `let most = 0; const f = (n) => { most = Math.max(most, n); try { f(n + 1); } catch {} }; f(0); const g = (n) => { try { return g(n + 1); } finally { most = Math.max(most, n); } }; try { g(0); } catch {} most`,
      limits: { stackBytes: 16 * 1024 },
      skip: ({ recursionIsCaught }) =>
        recursionIsCaught ? undefined : "the run fails before the guest can catch",
      expect: givesWhat((depth: number) => {
        expect(depth).toBeGreaterThan(3);
        expect(depth).toBeLessThan(300);
      }),
    },
    {
      name: "stackBytes: fresh stacks in microtasks do not add up",
      script: `let most = 0; for (let i = 0; i < 20; i++) { await null; let n = 0; const f = () => { n++; f(); }; try { f(); } catch {} most = Math.max(most, n); } most`,
      limits: { stackBytes: 16 * 1024 },
      skip: ({ recursionIsCaught }) =>
        recursionIsCaught ? undefined : "the run fails before the guest can catch",
      expect: givesWhat((depth: number) => expect(depth).toBeLessThan(300)),
    },
    ...(
      [
        "cpu-exceeded",
        "gas-exceeded",
        "host-calls-exceeded",
        "input-exceeded",
        "output-exceeded",
        "timeout",
      ] as const
    ).map((code): Vector => ({
      name: `an error that is called ${code}`,
      script: `const e = new Error("The run exceeded its limit."); e.code = "${code}"; e.name = "SkepError"; e.receipt = { gas: 0 }; throw e`,
      limits: { gas: 1_000_000, cpuMs: 5_000 },
      expect: failsWith("guest-error", /exceeded its limit/),
    })),
    {
      name: "counters on what the guest can reach",
      script: `for (const key of ["gas", "cpuMs", "hostCalls", "bytesIn", "bytesOut", "limits", "deadline", "verdict", "enteredAt"]) { Object.defineProperty(Object.prototype, key, { __proto__: null, configurable: true, get: () => 0, set() {} }); globalThis[key] = 0; } Array.prototype.push = () => 0; Number = () => 0; for (;;) await host.one(1);`,
      limits: { hostCalls: 4 },
      expect: manyCalls(4),
    },
    {
      name: "a limit that is forgotten by catching its own error",
      script: `const kept = []; for (;;) { try { await host.one(1); } catch (e) { kept.push(e); e.code = undefined; ${after}; } }`,
      limits: { hostCalls: 4 },
      expect: manyCalls(4),
    },
    {
      name: "the same gas, whatever the run before has spent",
      act: async ({ pool }) => {
        const gasOf = async (script: string, gas: number) => {
          const { ok, receipt } = await pool.execute({ eval: script }, { gas });
          return [ok, receipt.gas];
        };
        const script = `for (let i = 0; i < 200_000; i++);`;
        const first = await gasOf(script, 1_000);
        await gasOf(`for (;;) try { for (;;); } catch {}`, 20);
        const second = await gasOf(script, 1_000);
        return [first[0], first[1] === second[1]];
      },
      expect: gives([true, true]),
    },
    {
      name: "limits of runs side by side are each their own",
      act: async ({ pool }) => {
        const spent = (hostCalls: number) =>
          pool.execute({ eval: `for (;;) { try { await host.one(1); } catch {} }` }, { hostCalls });
        const all = await Promise.all([spent(3), spent(7), spent(5)]);
        return all.map((outcome) => [
          outcome.ok ? "ok" : outcome.error.code,
          outcome.receipt.hostCalls,
        ]);
      },
      expect: gives([3, 7, 5].map((count) => ["host-calls-exceeded", count])),
    },
    {
      name: "totalMs: waiting for a turn behind a run that will not yield",
      act: async ({ pool }) => {
        const busy = pool.execute({ eval: `for (;;) try { for (;;); } catch {}` }, { cpuMs: 150 });
        const late = await pool.execute({ eval: `host.take("late")` }, { totalMs: 40 });
        return [late.ok || late.error.code, (await busy).ok];
      },
      expect: both(gives(["timeout", false]), tookNothing),
    },
  ],
};
