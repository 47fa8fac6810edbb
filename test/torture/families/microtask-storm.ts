import { expect } from "vitest";
import { either, failsWith, gives, givesWhat } from "../expectations.ts";
import { type Family, scripts } from "../vector.ts";

const storm = `const f = () => Promise.resolve().then(f); f();`;

export const microtaskStorm: Family = {
  name: "microtask storm",
  vectors: [
    ...scripts(
      [
        [
          "promises that follow each other",
          `const f = () => Promise.resolve().then(f); await f()`,
          failsWith("timeout"),
        ],
        ["an endless async loop", `for (;;) await 0`, failsWith("timeout")],
        [
          "an endless loop of awaited functions",
          `const f = async () => 0; for (;;) await f()`,
          failsWith("timeout"),
        ],
        [
          "queueMicrotask",
          `const f = () => queueMicrotask(f); f(); await new Promise(() => {})`,
          failsWith("timeout"),
        ],
        [
          "an async generator without an end",
          `async function* g() { for (;;) yield 1; } for await (const x of g());`,
          failsWith("timeout"),
        ],
        [
          "an async iterable over resolved promises",
          `for await (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: Promise.resolve(1), done: false }) }) });`,
          failsWith("timeout"),
        ],
        [
          "a thenable that resolves with another",
          `const t = () => ({ then(resolve) { resolve(t()); } }); await t()`,
          failsWith("timeout"),
        ],
        ["a thenable that loops", `await { then() { for (;;); } }`, failsWith("timeout")],
        [
          "rejections that follow each other",
          `const f = () => Promise.reject(1).catch(f); await f()`,
          failsWith("timeout"),
        ],
        [
          "finally callbacks",
          `const f = () => Promise.resolve().finally(f); await f()`,
          failsWith("timeout"),
        ],
        [
          "a storm that doubles",
          `const f = () => { Promise.resolve().then(f); Promise.resolve().then(f); }; f(); await new Promise(() => {})`,
          either(failsWith("timeout"), failsWith("memory-exceeded")),
        ],
        [
          "Promise.all over what grows",
          `const f = (list) => Promise.all(list).then(() => f([...list, 0])); await f([])`,
          either(failsWith("timeout"), failsWith("memory-exceeded")),
        ],
        [
          "Promise.race",
          `const f = () => Promise.race([1, 2]).then(f); await f()`,
          failsWith("timeout"),
        ],
        [
          "timers of no delay",
          `const f = () => setTimeout(f); f(); await new Promise(() => {})`,
          failsWith("timeout"),
        ],
        [
          "an interval of no delay",
          `setInterval(() => {}); await new Promise(() => {})`,
          failsWith("timeout"),
        ],
        [
          "a storm out of a timer",
          `setTimeout(() => { ${storm} }, 5); await new Promise(() => {})`,
          failsWith("timeout"),
        ],
        ["a storm behind a result", `${storm} 42`, either(failsWith("timeout"), gives(42))],
        [
          "a storm of rejections nobody handles",
          `const f = () => { Promise.reject(new Error("lost")); return Promise.resolve().then(f); }; await f()`,
          either(failsWith("timeout"), failsWith("memory-exceeded")),
        ],
        [
          "a storm of host calls",
          `const f = () => host.one(1).then(f); await f()`,
          failsWith("timeout"),
        ],
        [
          "a storm of aborted signals",
          `const f = () => { const c = new AbortController(); c.signal.onabort = () => queueMicrotask(f); c.abort(); }; f(); await new Promise(() => {})`,
          failsWith("timeout"),
        ],
        [
          "a promise that waits for itself",
          `const p = new Promise((resolve) => setTimeout(() => resolve(p))); await p.catch((e) => e.name)`,
          gives("TypeError"),
        ],
        ["a wait for what never comes", `await new Promise(() => {})`, failsWith("timeout")],
      ],
      { limits: { timeoutMs: 60 } },
    ),
    {
      name: "a storm while others run in the same worker",
      act: async ({ pool }) => {
        const raging = pool.execute(
          { eval: `${storm} await new Promise(() => {})` },
          { timeoutMs: 100 },
        );
        const others = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.eval(`${n}`)));
        const end = await raging;
        return [others.length, end.ok ? "ok" : end.error.code];
      },
      expect: gives([20, "timeout"]),
    },
    {
      name: "fifty storms at once",
      act: async ({ pool }) => {
        const ends = await Promise.all(
          Array.from({ length: 50 }, () =>
            pool.execute({ eval: "for (;;) await 0" }, { timeoutMs: 20 }),
          ),
        );
        return ends.map((end) => (end.ok ? "ok" : end.error.code));
      },
      expect: givesWhat((codes) => expect(codes).toEqual(Array(50).fill("timeout"))),
      slow: true,
    },
  ],
};
