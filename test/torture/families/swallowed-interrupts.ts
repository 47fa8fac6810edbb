import type { Pool } from "skep";
import { both, calls, either, failsWith, tookNothing } from "../expectations.ts";
import { type Family, needsBlocking, scripts } from "../vector.ts";

const after = `host.take("after")`;
const ended = both(failsWith("timeout"), calls(0));
// On a busy machine the time may be up before the call is made.
const endedInCall = both(failsWith("timeout"), either(calls(1), calls(0)));

/** Once the limit is hit nothing of the guest's runs: `host.take` would hear of it. */
export const swallowedInterrupts: Family = {
  name: "swallowed interrupts",
  vectors: [
    ...scripts(
      [
        ["catch", `try { for (;;); } catch { ${after}; } ${after}`, ended],
        ["catch in a loop", `for (;;) { try { for (;;); } catch { ${after}; } }`, ended],
        ["finally", `try { for (;;); } finally { ${after}; }`, ended],
        [
          "finally that returns",
          `(() => { try { for (;;); } finally { ${after}; return 1; } })()`,
          ended,
        ],
        ["finally that loops", `try { for (;;); } finally { ${after}; for (;;); }`, ended],
        [
          "finally that breaks out",
          `for (;;) { try { for (;;); } finally { ${after}; break; } } ${after}`,
          ended,
        ],
        [
          "a promise's executor",
          `const p = new Promise(() => { for (;;); }); await p.catch(() => ${after}); ${after}`,
          ended,
        ],
        [
          "an async function",
          `const f = async () => { for (;;); }; await f().catch(() => ${after}); ${after}`,
          ended,
        ],
        [
          "a rejection handler",
          `await Promise.resolve().then(() => { for (;;); }).then(() => ${after}, () => ${after})`,
          ended,
        ],
        [
          "a finally callback",
          `await Promise.resolve().then(() => { for (;;); }).finally(() => ${after})`,
          ended,
        ],
        [
          "Promise.allSettled",
          `await Promise.allSettled([1].map(async () => { for (;;); })); ${after}`,
          ended,
        ],
        [
          "a generator's finally",
          `function* g() { try { yield 1; } finally { ${after}; } } for (const x of g()) for (;;);`,
          ended,
        ],
        [
          "a generator's return",
          `const g = { [Symbol.iterator]() { return this; }, next: () => ({ done: false }), return() { ${after}; return {}; } }; for (const x of g) for (;;);`,
          ended,
        ],
        [
          "an async generator's finally",
          `async function* g() { try { yield 1; } finally { ${after}; } } for await (const x of g()) for (;;);`,
          ended,
        ],
        [
          "a callback of sort",
          `try { [2, 1].sort(() => { for (;;); }); } catch { ${after}; }`,
          ended,
        ],
        [
          "a callback of replace",
          `try { "a".replace(/a/, () => { for (;;); }); } catch { ${after}; }`,
          ended,
        ],
        [
          "a getter",
          `const o = { get x() { for (;;); } }; try { o.x; } catch { ${after}; }`,
          ended,
        ],
        [
          "a proxy's trap",
          `const p = new Proxy({}, { get() { for (;;); } }); try { p.x; } catch { ${after}; }`,
          ended,
        ],
        ["toString", `try { "" + { toString() { for (;;); } }; } catch { ${after}; }`, ended],
        [
          "a constructor's super",
          `class A { constructor() { for (;;); } } class B extends A { constructor() { try { super(); } catch { ${after}; } } } new B()`,
          ended,
        ],
        [
          "a timer's callback",
          `setTimeout(() => { try { for (;;); } catch { ${after}; } }); setTimeout(() => ${after}, 1); await new Promise(() => {})`,
          ended,
        ],
        [
          "a microtask behind it",
          `queueMicrotask(() => ${after}); Promise.resolve().then(() => ${after}); for (;;);`,
          ended,
        ],
        ["a timer behind it", `setTimeout(() => ${after}); for (;;);`, ended],
        ["eval", `try { eval("for (;;);"); } catch { ${after}; }`, ended],
        [
          "the evaluation of a class",
          `try { class A { static { for (;;); } } } catch { ${after}; }`,
          ended,
        ],
        [
          "a catastrophic expression",
          `try { /(a+)+$/.test("a".repeat(60) + "b"); } catch { ${after}; } ${after}`,
          ended,
        ],
        [
          "JSON's reviver",
          `try { JSON.parse("[1]", () => { for (;;); }); } catch { ${after}; }`,
          ended,
        ],
        [
          "an event's listener",
          `const t = new EventTarget(); t.addEventListener("x", () => { for (;;); }); t.addEventListener("x", () => ${after}); t.dispatchEvent(new Event("x")); ${after}`,
          ended,
        ],
        [
          "an error's message",
          `try { for (;;); } catch (e) { e.message = "mine"; ${after}; throw e; }`,
          ended,
        ],
        ["an await behind it", `try { for (;;); } catch {} await null; ${after}`, ended],
        [
          "recursion that catches",
          `const f = () => { try { for (;;); } catch { ${after}; } finally { f(); } }; f()`,
          either(ended, failsWith("stack-exceeded")),
        ],
        ["a wait", `try { await new Promise(() => {}); } finally { ${after}; }`, ended],
        [
          "a wait for the host",
          `try { await host.hold(); } catch { ${after}; } finally { ${after}; }`,
          endedInCall,
        ],
      ],
      { limits: { timeoutMs: 50 } },
    ),
    ...scripts(
      [
        [
          "a wait for the host that blocks",
          `try { hostSync.hold(); } catch { ${after}; } for (;;) { try { hostSync.one(1); } catch {} }`,
          endedInCall,
        ],
      ],
      {
        limits: { timeoutMs: 50 },
        skip: (terrain) =>
          needsBlocking(terrain) ??
          (terrain.threaded
            ? undefined
            : "in-thread cannot block on a promise, it says so at once"),
      },
    ),
    {
      name: "a module's top level",
      module: `try { for (;;); } catch { ${after}; } export const x = 1;`,
      limits: { timeoutMs: 50 },
      expect: ended,
    },
    ...(["catch", "finally"] as const).map((keyword) => ({
      name: `an abortion and ${keyword}`,
      act: async ({ pool }: { pool: Pool }) => {
        const controller = new AbortController();
        const run = pool.eval(
          `await host.one(1); await new Promise((r) => setTimeout(r, 1e6)).${keyword}(() => ${after})`,
          {
            signal: controller.signal,
          },
        );
        setTimeout(() => controller.abort(), 20);
        return run;
      },
      expect: both(failsWith("aborted"), tookNothing),
    })),
  ],
};
