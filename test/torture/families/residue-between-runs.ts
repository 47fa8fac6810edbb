import { expect } from "vitest";
import { gives, givesWhat } from "../expectations.ts";
import type { Family, Stage, Vector } from "../vector.ts";

/** What one run leaves, and what the next looks for; both are scripts. */
const PAIRS: Record<string, [leave: string, look: string, found: unknown]> = {
  globals: [
    `globalThis.left = 1; var alsoLeft = 2; 1`,
    `[typeof left, typeof alsoLeft]`,
    ["undefined", "undefined"],
  ],
  "lexical declarations": [
    `let kept = 1; const keptToo = 2; class Kept {} 1`,
    `[typeof kept, typeof keptToo, typeof Kept]`,
    Array(3).fill("undefined"),
  ],
  "declarations made by indirect eval": [
    `(0, eval)("let deep = 1; var flat = 2; function named() {}"); 1`,
    `[typeof deep, typeof flat, typeof named]`,
    Array(3).fill("undefined"),
  ],
  "module state": [
    `const { box, increase } = await import("state"); box.n = 9; increase(); increase()`,
    `const { box, increase, count } = await import("state"); [box.n, count, increase()]`,
    [0, 0, 1],
  ],
  "a dependency's default export": [
    `const { list } = (await import("state")).default; list.push("secret"); Object.freeze(list); 1`,
    `const { list } = (await import("state")).default; list.push(1); list`,
    [1],
  ],
  "a constant changed in place": [
    `constants.TABLE.list.push("secret"); constants.TABLE.map.set("secret", 1); constants.TABLE.extra = 1; 1`,
    `[constants.TABLE.list, constants.TABLE.map.size, Object.keys(constants.TABLE)]`,
    [[1], 1, ["list", "map"]],
  ],
  "a constant's binding": [
    `try { constants.TABLE = 1; } catch {} Object.defineProperty(constants, "MORE", { value: 1, configurable: true }); 1`,
    `[typeof constants.TABLE, "MORE" in constants]`,
    ["object", false],
  ],
  timers: [
    `setTimeout(() => { globalThis.left = 1; }, 1); setInterval(() => { globalThis.left = 2; }, 1); 1`,
    `await new Promise((done) => setTimeout(done, 15)); typeof left`,
    "undefined",
  ],
  "numbers of timers": [
    `for (let index = 0; index < 50; index++) setTimeout(() => {}, 1000); 1`,
    `setTimeout(() => {}, 1000)`,
    1,
  ],
  "promises that wait": [
    `const p = Promise.resolve(); (async () => { for (;;) { await new Promise((r) => setTimeout(r, 1)); globalThis.left = 1; } })(); 1`,
    `await new Promise((done) => setTimeout(done, 15)); typeof left`,
    "undefined",
  ],
  "registered symbols": [
    `globalThis.s = Symbol.for("secret"); s.description`,
    `Symbol.for("secret").description + typeof s`,
    "secretundefined",
  ],
  prototypes: [
    `Array.prototype.left = Object.prototype.left = 1; Object.setPrototypeOf(Array.prototype, { left: 2 }); 1`,
    `[[].left ?? null, ({}).left ?? null]`,
    [null, null],
  ],
  "frozen prototypes": [
    `for (const C of [Object, Array, Map, Function]) { Object.freeze(C); Object.freeze(C.prototype); } 1`,
    `Array.prototype.mine = 1; Object.isFrozen(Object.prototype) || [].mine`,
    1,
  ],
  "counts of the console": [
    `console.count("a"); console.count("a"); console.group("g"); console.time("t"); 1`,
    `console.count("a"); 1`,
    1,
  ],
  listeners: [
    `const t = new EventTarget(); t.addEventListener("x", () => {}); AbortSignal.timeout(1).onabort = () => { globalThis.left = 1; }; globalThis.onunhandledrejection = () => {}; 1`,
    `await new Promise((done) => setTimeout(done, 10)); [typeof left, typeof onunhandledrejection]`,
    ["undefined", "undefined"],
  ],
  "the last match of an expression": [
    `/(s)(e)/.exec("secret"); 1`,
    `[RegExp.$1 ?? null, RegExp.lastMatch ?? null, RegExp.input ?? null]`,
    [null, null, null],
  ],
  "an expression's lastIndex in a dependency": [
    `const { expression } = await import("state"); expression.exec("aaa"); expression.lastIndex`,
    `(await import("state")).expression.lastIndex`,
    0,
  ],
  "a function's own properties": [
    `host.one.left = 1; setTimeout.left = 1; wpc_import.left = 1; 1`,
    `[host.one.left ?? null, setTimeout.left ?? null, wpc_import.left ?? null]`,
    [null, null, null],
  ],
  "a host table's names": [
    `Object.defineProperty(host, "mine", { value: 1 }); delete host.one; 1`,
    `["mine" in host, typeof host.one]`,
    [false, "function"],
  ],
  "Error.stackTraceLimit and stack formatters": [
    `Error.stackTraceLimit = 0; Error.prepareStackTrace = () => "mine"; 1`,
    `[Error.prepareStackTrace ?? null, typeof new Error("x").stack]`,
    [null, "string"],
  ],
};

function pair([name, [leave, look, found]]: [string, (typeof PAIRS)[string]]): Vector {
  return {
    name,
    act: async ({ pool }: Stage) => {
      await pool.eval(leave);
      return pool.eval(look);
    },
    expect: gives(found),
  };
}

/** Gives what several runs found. */
function runs(
  name: string,
  count: number,
  script: string,
  look: (values: never[]) => void,
): Vector {
  return {
    name,
    act: async ({ pool }: Stage) => {
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) values.push(await pool.eval(script));
      return values;
    },
    expect: givesWhat(look),
  };
}

export const residueBetweenRuns: Family = {
  name: "residue between runs",
  pool: {
    constants: { TABLE: { list: [1], map: new Map([[1, 2]]) } },
    dependencies: {
      state: {
        source: `export const box = { n: 0 }; export let count = 0; export const increase = () => ++count;
          export const expression = /a/g; export default { list: [] };`,
      },
    },
  },
  vectors: [
    ...Object.entries(PAIRS).map(pair),
    runs(
      "the sequence of Math.random",
      20,
      `[Math.random(), Math.random(), Math.random()]`,
      (values: number[][]) => expect(new Set(values.flat()).size).toBe(60),
    ),
    runs(
      "random bytes and identifiers",
      20,
      `[crypto.randomUUID(), String(crypto.getRandomValues(new Uint8Array(16)))]`,
      (values: string[][]) => expect(new Set(values.flat()).size).toBe(40),
    ),
    runs("the clock", 5, `const now = performance.now(); now < 200`, (values) =>
      expect(values).toEqual(Array(5).fill(true)),
    ),
    runs(
      "freed bytes of the heap",
      4,
      `let found = 0; const secret = 0xa5c3;
      for (const size of [64, 1024, 2 ** 16, 2 ** 20]) { const words = new Uint16Array(size / 2); for (const word of words) if (word === secret) found++; }
      const kept = []; for (let index = 0; index < 40; index++) kept.push(new Uint16Array(2 ** 16).fill(secret)); found`,
      (values) => expect(values).toEqual([0, 0, 0, 0]),
    ),
    runs("what an evaluation declared", 3, `globalThis.n = (globalThis.n ?? 0) + 1; n`, (values) =>
      expect(values).toEqual([1, 1, 1]),
    ),
    runs(
      "memory that is told to be used",
      4,
      `globalThis.kept = new Uint8Array(2 ** 20); 1`,
      (values) => expect(values).toEqual([1, 1, 1, 1]),
    ),
    {
      name: "weak references and finalizers",
      act: async ({ pool }) => {
        await pool.eval(
          `globalThis.registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(() => { globalThis.left = 1; }) : { register() {} };
          registry.register({}, 1); globalThis.ref = new WeakRef({}); 1`,
        );
        return pool.eval(
          `const kept = []; for (let i = 0; i < 1e4; i++) kept.push({}); [typeof registry, typeof ref, typeof left]`,
        );
      },
      expect: gives(["undefined", "undefined", "undefined"]),
    },
    {
      name: "what a failed run has left",
      act: async ({ pool }) => {
        await pool.execute({ eval: `globalThis.left = 1; Array.prototype.left = 1; throw 1` });
        await pool.execute({ eval: `globalThis.left = 1; for (;;);` }, { timeoutMs: 30 });
        await pool.execute({
          eval: `globalThis.left = 1; const k = []; for (;;) k.push(new Uint8Array(1e6))`,
        });
        await pool.execute({ eval: `globalThis.left = 1; const f = () => f() + 1; f()` });
        return pool.eval(`[typeof left, [].left ?? null]`);
      },
      expect: gives(["undefined", null]),
    },
    {
      name: "the arguments of another run",
      act: async ({ pool }) => {
        await pool.run("probe", ["secret-argument-".repeat(1000)]);
        return pool.eval(
          `const all = []; for (const key of Reflect.ownKeys(globalThis)) { let value; try { value = globalThis[key]; } catch { continue; } if (typeof value === "string" && value.includes("secret")) all.push(key); } all`,
        );
      },
      expect: gives([]),
    },
    {
      name: "runs that are in flight together",
      act: async ({ pool }) =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            pool.eval(
              `globalThis.mine = ${n}; Array.prototype.mine = ${n}; await new Promise((done) => setTimeout(done, 10)); [mine, [].mine]`,
            ),
          ),
        ),
      expect: gives(Array.from({ length: 20 }, (_, n) => [n, n])),
    },
  ],
};
