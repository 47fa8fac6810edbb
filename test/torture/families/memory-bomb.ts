import { expect } from "vitest";
import { either, failsWith, givesWhat, throws } from "../expectations.ts";
import type { Expectation, Family, Vector } from "../vector.ts";

/** What fills the memory, as statements. Each gets `kept` to keep things in. */
const BOMBS: Record<string, string> = {
  "many buffers": `for (;;) kept.push(new Uint8Array(2 ** 16));`,
  "many tiny buffers": `for (;;) kept.push(new ArrayBuffer(1));`,
  "one huge buffer": `kept.push(new Uint8Array(2 ** 30));`,
  "a buffer that grows": `const b = new ArrayBuffer(8, { maxByteLength: 2 ** 30 }); b.resize(2 ** 29); kept.push(new Uint8Array(b).fill(1));`,
  "a string that is repeated": `kept.push("x".repeat(2 ** 29));`,
  "a string that is padded": `kept.push("".padEnd(2 ** 29, "ab"));`,
  "many strings": `for (let i = 0; ; i++) kept.push("text " + i + "x".repeat(100));`,
  "a string that is split": `kept.push("x".repeat(4e6).split(""));`,
  "an array of arrays": `for (;;) kept.push([[], []]);`,
  "one huge array": `kept.push(new Array(2e8).fill(0));`,
  "an array that is spread": `let a = [1, 2, 3, 4]; for (;;) a = [...a, ...a];`,
  "an array that is concatenated": `let a = [1]; for (;;) a = a.concat(a);`,
  "an array from a length": `kept.push(Array.from({ length: 1e9 }, () => ({})));`,
  "a Map": `const m = new Map(); kept.push(m); for (let i = 0; ; i++) m.set(i, i);`,
  "a Set of objects": `const s = new Set(); kept.push(s); for (;;) s.add({});`,
  "a WeakMap": `const w = new WeakMap(); for (;;) { const k = {}; kept.push(k); w.set(k, {}); }`,
  WeakRefs: `for (;;) kept.push(new WeakRef({}));`,
  closures: `for (let i = 0; ; i++) kept.push(() => i);`,
  "bound functions": `let f = () => 1; for (;;) kept.push(f = f.bind(null, kept));`,
  symbols: `for (let i = 0; ; i++) kept.push(Symbol("symbol " + i));`,
  "registered symbols": `for (let i = 0; ; i++) kept.push(Symbol.for("symbol " + i));`,
  "property names": `const o = {}; kept.push(o); for (let i = 0; ; i++) o["name" + i] = i;`,
  shapes: `for (let i = 0; ; i++) kept.push({ ["name" + i]: 1 });`,
  "regular expressions": `for (let i = 0; ; i++) kept.push(new RegExp("[a-z]{" + (i % 200) + "}(x|y|z)" + i));`,
  captures: `for (;;) kept.push(/((((((((x))))))))/.exec("x"));`,
  BigInts: `let n = 2n ** 20000n; for (;;) kept.push(n += 1n);`,
  JSON: `let s = "[1]"; for (;;) { s = "[" + s + "," + s + "]"; kept.push(JSON.parse(s)); }`,
  "functions from source": `for (let i = 0; ; i++) kept.push(Function("return " + i + "+1".repeat(50)));`,
  classes: `for (let i = 0; ; i++) kept.push(class { static [i] = i; #secret = i; get() { return this.#secret; } });`,
  "generators that wait": `for (;;) { const g = (function* () { yield kept; yield 2; })(); g.next(); kept.push(g); }`,
  "promises that wait": `for (;;) kept.push((async () => { await new Promise(() => {}); })());`,
  "reactions of one promise": `const p = new Promise(() => {}); for (;;) p.then(() => kept);`,
  timers: `for (let i = 0; ; i++) setTimeout(() => kept, 1e6 + i % 2);`,
  clones: `let o = { a: [1, 2, 3] }; for (;;) kept.push(structuredClone(o));`,
  proxies: `let p = {}; for (;;) kept.push(p = new Proxy(p, {}));`,
  "search parameters": `const p = new URLSearchParams(); for (let i = 0; ; i++) p.append("name" + i, "value");`,
  "encoded text": `const e = new TextEncoder(); for (;;) kept.push(e.encode("x".repeat(5000)));`,
  errors: `for (;;) kept.push(new Error("x".repeat(50)));`,
};

/** Two bombs end by a length the engine refuses before memory is the matter. */
const REFUSED =
  /out of memory|too (long|large)|invalid (array|string)( buffer)? length|length out of|array too large/i;

function isRefused(message: unknown): void {
  expect(message).toMatch(REFUSED);
}

const caught: Expectation = either(
  givesWhat(isRefused),
  failsWith("memory-exceeded"),
  // The engine's error has room for itself at times, but not for its message.
  failsWith("not-marshallable", /an internal value of the engine/),
);
const uncaught: Expectation = either(
  failsWith("memory-exceeded"),
  throws("RangeError", REFUSED),
  throws("InternalError", REFUSED),
);

function bomb(name: string, statements: string, isCaught: boolean): Vector {
  const body = `let kept = []; `;
  const script = isCaught
    ? `${body}let said; try { ${statements} } catch (e) { kept = null; said = e === null ? "out of memory" : e.message; } said`
    : `${body}${statements}`;
  const expectation = isCaught ? caught : uncaught;
  return {
    name: `${name}, ${isCaught ? "caught" : "not caught"}`,
    script,
    expect: name === "timers" ? either(expectation, failsWith("timeout")) : expectation,
    limits: {
      memoryBytes: isCaught ? 8 * 2 ** 20 : 6 * 2 ** 20,
      // Timers are a list the guest itself walks.
      ...(name === "timers" ? { timeoutMs: 300 } : {}),
    },
  };
}

/** The fast selection has every bomb once; the rest is for the whole. */
export const memoryBomb: Family = {
  name: "memory bomb",
  slow: [
    "functions from source, not caught",
    "functions from source, caught",
    "clones, not caught",
    "clones, caught",
    "search parameters, not caught",
    "timers, not caught",
    "a bomb in a script that is one itself",
    "an argument larger than the sandbox",
    "a host function's result larger than the sandbox",
  ],
  vectors: [
    ...Object.entries(BOMBS).map(([name, statements]) => bomb(name, statements, false)),
    ...Object.entries(BOMBS)
      .filter((_, index) => index % 3 === 0)
      .map(([name, statements]) => bomb(name, statements, true)),
    {
      name: "one bomb after the other, each caught",
      script: `let count = 0; for (let round = 0; round < 20; round++) { try { const kept = []; for (;;) kept.push(new Uint8Array(2 ** 18)); } catch { count++; } } count`,
      expect: givesWhat((count) => expect(count).toBe(20)),
    },
    {
      name: "a bomb that drops what it had and goes on",
      script: `for (let i = 0; i < 3000; i++) new Uint8Array(2 ** 20); "done"`,
      expect: givesWhat((said) => expect(said).toBe("done")),
    },
    {
      name: "a bomb in a script that is one itself",
      act: async ({ pool }) => pool.eval(`"${"x".repeat(20e6)}".length`),
      expect: failsWith("memory-exceeded"),
    },
    {
      name: "an argument larger than the sandbox",
      act: async ({ pool }) => pool.run("probe", [new Uint8Array(64 * 2 ** 20)]),
      expect: failsWith("input-exceeded"),
    },
    {
      name: "a host function's result larger than the sandbox",
      script: `await host.big().catch((e) => "refused"); 1`,
      pool: { host: { big: () => new Uint8Array(64 * 2 ** 20) } },
      expect: either(
        failsWith("input-exceeded"),
        givesWhat((said) => expect(said).toBe(1)),
      ),
    },
  ],
};
