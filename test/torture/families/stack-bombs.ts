import { expect } from "vitest";
import { either, failsWith, gives, givesWhat, where } from "../expectations.ts";
import type { Expectation, Family, Vector } from "../vector.ts";

/** Guest code that calls itself. */
const RECURSIONS: Record<string, string> = {
  "a function": `const f = () => f() + 1; f();`,
  "two functions": `const f = () => g() + 1, g = () => f() + 1; f();`,
  "a method on itself": `const o = { m() { return this.m() + 1; } }; o.m();`,
  "a getter": `const o = { get x() { return this.x; } }; o.x;`,
  "a setter": `const o = { set x(v) { this.x = v; } }; o.x = 1;`,
  toString: `const o = { toString() { return "" + this; } }; String(o);`,
  valueOf: `const o = { valueOf() { return +this; } }; +o;`,
  "Symbol.toPrimitive": `const o = { [Symbol.toPrimitive]() { return this + 1; } }; o + 1;`,
  toJSON: `const o = { toJSON() { return JSON.stringify(this); } }; JSON.stringify(o);`,
  "a reviver": `const f = () => JSON.parse("[1]", f); f();`,
  "sort callbacks": `const f = () => [2, 1].sort(f); f();`,
  "replace callbacks": `const f = () => "a".replace(/a/, f); f();`,
  "map callbacks": `const f = () => [1].map(f); f();`,
  "Reflect.apply": `const f = () => Reflect.apply(f, null, []); f();`,
  constructors: `class A { constructor() { new A(); } } new A();`,
  "field initialisers": `class A { x = new A(); } new A();`,
  "default parameters": `function f(a = f()) {} f();`,
  "generators that delegate": `function* f() { yield* f(); } f().next();`,
  iterators: `const o = { [Symbol.iterator]() { return [...this]; } }; [...o];`,
  "tagged templates": "const f = () => f`x`; f();",
  "a proxy's trap": `const p = new Proxy({}, { get: (_, key) => p[key] }); p.x;`,
  "a proxy that is its own handler's handler": `const h = {}; const p = new Proxy({}, h); Object.setPrototypeOf(h, p); p.x;`,
  instanceof: `const C = { [Symbol.hasInstance]: () => ({}) instanceof C }; ({}) instanceof C;`,
  species: `class A extends Array { static get [Symbol.species]() { return [1].constructor === Array && new A(1).map((x) => x).constructor; } } new A(1).map((x) => x);`,
  eval: `const f = () => eval("f()"); f();`,
  "host functions' arguments": `const f = () => { try { host.one(); } finally { f(); } }; f();`,
  "timers' callbacks made in place": `const f = () => { clearTimeout(setTimeout(f)); f(); }; f();`,
};

/** Structures and source so deep that the engine itself recurses. */
const NESTINGS: Record<string, string> = {
  "proxies in proxies": `let p = {}; for (let i = 0; i < 5e4; i++) p = new Proxy(p, {}); p.x; Array.isArray(p);`,
  "bound functions": `let f = () => 1; for (let i = 0; i < 5e4; i++) f = f.bind(null); f();`,
  "JSON text": `JSON.parse("[".repeat(1e5));`,
  "JSON objects": `JSON.parse('{"a":'.repeat(1e5));`,
  "a structure for JSON.stringify": `let a = []; for (let i = 0; i < 1e4; i++) a = [a]; JSON.stringify(a);`,
  "a structure for structuredClone": `let a = []; for (let i = 0; i < 5e4; i++) a = [a]; structuredClone(a);`,
  "a structure for toString": `let a = []; for (let i = 0; i < 5e4; i++) a = [a]; String(a);`,
  "a structure for flat": `let a = []; for (let i = 0; i < 5e4; i++) a = [a]; a.flat(Infinity);`,
  "brackets in source": `eval("(".repeat(1e5));`,
  "arrays in source": `eval("[".repeat(1e5));`,
  "functions in source": `eval("()=>".repeat(5e4) + "1");`,
  "operators in source": `eval("-".repeat(1) + "!".repeat(1e5) + "1");`,
  "conditions in source": `eval("1?".repeat(5e4) + "1" + ":1".repeat(5e4));`,
  "blocks in source": `eval("{".repeat(1e5));`,
  "templates in source": "eval('`${'.repeat(5e4));",
  "groups in an expression": `new RegExp("(".repeat(5e4) + ")".repeat(5e4));`,
  "alternatives that look ahead": `new RegExp("(?=".repeat(5e4) + ")".repeat(5e4)).test("x");`,
};

const caught = givesWhat((said) =>
  expect(said).toMatch(
    /stack overflow|stack size|too (deep|large|many|long)|out of memory|nested|^done$/i,
  ),
);
const lost = failsWith("stack-exceeded");

/** The documented exceptions: see docs/internals.md. */
const RECURSION_END: Expectation = where(({ recursionIsCaught }) =>
  recursionIsCaught ? caught : either(caught, lost),
);
const NESTING_END: Expectation = where(({ recursionIsCaught, node, threaded }) =>
  recursionIsCaught && node && threaded ? caught : either(caught, lost),
);

function bomb([name, statements]: [string, string], end: Expectation): Vector {
  return {
    name,
    script: `let said = "done"; try { ${statements} } catch (e) { said = e.message; } said`,
    expect: end,
  };
}

/** A refusal by the parser is as good an end as an overflow. */
const SOURCE = /in source|JSON (text|objects)/;
const refused = givesWhat((said) =>
  expect(said).toMatch(
    /expected|unexpected|unterminated|invalid|missing|end of (input|file)|JSON/i,
  ),
);

export const stackBombs: Family = {
  name: "stack bombs",
  slow: ["depth: a structure for JSON.stringify", "a rope that is one at both ends"],
  vectors: [
    ...Object.entries(RECURSIONS).map((entry) => {
      const vector = bomb(entry, RECURSION_END);
      return { ...vector, name: `recursion: ${vector.name}` };
    }),
    ...Object.entries(NESTINGS).map((entry) => {
      const vector = bomb(
        entry,
        SOURCE.test(entry[0]) ? either(NESTING_END, refused) : NESTING_END,
      );
      return { ...vector, name: `depth: ${vector.name}` };
    }),
    {
      name: "recursion that nobody catches",
      script: `const f = () => f() + 1; f()`,
      expect: failsWith("stack-exceeded"),
    },
    {
      name: "depth that nobody catches",
      script: `JSON.parse("[".repeat(1e5))`,
      expect: failsWith("stack-exceeded"),
    },
    {
      name: "recursion that catches itself on every level",
      script: `let n = 0; const f = () => { try { f(); } catch { n++; try { f(); } catch {} } }; f(); n`,
      limits: { timeoutMs: 300 },
      expect: either(
        failsWith("timeout"),
        failsWith("stack-exceeded"),
        givesWhat((n) => expect(n).toBeGreaterThan(0)),
      ),
      slow: true,
    },
    {
      name: "recursion in finally",
      script: `const f = () => { try { f(); } finally { f(); } }; f()`,
      limits: { timeoutMs: 300 },
      expect: either(failsWith("timeout"), failsWith("stack-exceeded")),
      slow: true,
    },
    {
      name: "async functions that call each other before they wait",
      script: `const f = async () => { await f(); }; await f().catch((e) => e.name)`,
      expect: where(({ recursionIsCaught }) => {
        const named = givesWhat((said) => expect(said).toMatch(/RangeError|InternalError/));
        return recursionIsCaught ? named : either(named, lost);
      }),
    },
    {
      name: "a chain of thirty thousand prototypes",
      script: `let o = {}; for (let i = 0; i < 3e4; i++) o = Object.create(o); [o.x ?? null, o instanceof Array]`,
      expect: gives([null, false]),
    },
    {
      name: "a rope that is one at both ends",
      script: `let s = ""; for (let i = 0; i < 2e4; i++) s = "a" + s + "b"; s.charCodeAt(0)`,
      expect: either(gives(97), failsWith("memory-exceeded")),
    },
    {
      name: "a list of a million links that is let go",
      script: `let o = null; for (let i = 0; i < 1e5; i++) o = { o }; o = null; 1`,
      expect: gives(1),
    },
    {
      name: "a call with a million arguments",
      script: `try { Math.max(...new Array(1e6).fill(1)); } catch (e) { e.name }`,
      expect: either(
        gives("RangeError"),
        gives("InternalError"),
        gives(1),
        failsWith("memory-exceeded"),
        failsWith("stack-exceeded"),
      ),
    },
    {
      name: "the stack's end inside the library's own functions",
      script: `let last = "none"; const f = () => { try { f(); } catch { try { new URL("https://a.b/?x=1"); structuredClone([1]); last = "fine"; } catch (e) { last = e.name; } } }; f();
        [["RangeError", "InternalError", "fine"].includes(last), new URL("https://a.b/").host, structuredClone([1])[0], await host.one(2)]`,
      expect: where(({ recursionIsCaught }) => {
        const fine = gives([true, "a.b", 1, 2]);
        return recursionIsCaught ? fine : either(fine, lost);
      }),
    },
  ],
};
