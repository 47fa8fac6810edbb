import { expect } from "vitest";
import { both, failsWith, gives, givesWhat, tookNothing } from "../expectations.ts";
import type { Expectation, Family, Stage } from "../vector.ts";
import { scripts } from "../vector.ts";

/** An object with an own property of that name, as JSON makes it. */
function own(key: string, value: unknown = { polluted: true }): object {
  return JSON.parse(`{"${key}":${JSON.stringify(value)}}`) as object;
}

function expectPlain(value: object, ...keys: string[]): void {
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  for (const key of keys) expect(Object.hasOwn(value, key), `own property ${key}`).toBe(true);
  expect(Object.hasOwn({}, "polluted") || "polluted" in {}).toBe(false);
}

/** A plain object with exactly these own properties. */
function givesOwn(...keys: string[]): Expectation {
  return givesWhat((value: object) => {
    expectPlain(value, ...keys);
    expect(Object.keys(value).sort()).toEqual([...keys].sort());
  });
}

/** What `host.take` got last is such an object too. */
function takesOwn(...keys: string[]): Expectation {
  return (_outcome, { desk }) => {
    expectPlain(desk.taken.at(-1)?.[0] as object, ...keys);
  };
}

function thrownWith(look: (error: { data: object; cause?: unknown }) => void): Expectation {
  return both(failsWith("guest-error", /(?:)/), (outcome) => {
    if (!outcome.ok) look(outcome.error as never);
  });
}

const parsed = (key: string): string => `JSON.parse('{"${key}":{"polluted":true}}')`;
const named =
  "constructor toString valueOf hasOwnProperty isPrototypeOf __defineGetter__ __lookupSetter__ toJSON length";

export const prototypePollution: Family = {
  name: "prototype pollution",
  pool: {
    constants: { POLLUTED: own("__proto__") },
    host: {
      polluted: () => own("__proto__"),
      refuse: () => {
        const error = new Error("no");
        Object.defineProperty(error, "__proto__", { value: { polluted: true }, enumerable: true });
        throw error;
      },
    },
  },
  vectors: [
    ...scripts([
      ["a result with an own __proto__", parsed("__proto__"), givesOwn("__proto__")],
      [
        "a result with constructor.prototype",
        `({ constructor: { prototype: { polluted: true } } })`,
        givesOwn("constructor"),
      ],
      [
        "a result with the names of every method of Object.prototype",
        `Object.fromEntries("${named}".split(" ").map((name) => [name, 1]))`,
        givesOwn(...named.split(" ")),
      ],
      ["a result with a then that is data", `({ then: { polluted: true } })`, givesOwn("then")],
      [
        "an own __proto__ deep in a Map, a Set and an array",
        `const bad = () => ${parsed("__proto__")}; [new Map([[bad(), bad()]]), new Set([bad()]), [bad()]]`,
        givesWhat(([map, set, list]: [Map<object, object>, Set<object>, object[]]) => {
          for (const value of [...map.keys(), ...map.values(), ...set, ...list])
            expectPlain(value, "__proto__");
        }),
      ],
      [
        "many results of one shape with an own __proto__",
        `Array.from({ length: 50 }, () => ${parsed("__proto__")})`,
        givesWhat((values: object[]) => {
          for (const value of values) expectPlain(value, "__proto__");
        }),
      ],
      [
        "an array with an own __proto__",
        `Object.defineProperty([1], "__proto__", { value: { polluted: true }, enumerable: true })`,
        givesWhat((value: unknown[]) => {
          expect(Object.getPrototypeOf(value)).toBe(Array.prototype);
          expect(Object.hasOwn(value, "__proto__")).toBe(true);
        }),
      ],
      [
        "an array with own methods of Array.prototype",
        `Object.assign([1, 2], { map: 1, constructor: 2, toString: 3 })`,
        givesWhat((value: unknown[]) => {
          expect(Object.getPrototypeOf(value)).toBe(Array.prototype);
          expect(Object.keys(value)).toEqual(["0", "1", "map", "constructor", "toString"]);
        }),
      ],
      [
        "what is inherited from a forged prototype",
        `Object.create({ polluted: true, toString: 1 })`,
        givesOwn(),
      ],
      [
        "an object without a prototype",
        `Object.assign(Object.create(null), { a: 1 })`,
        givesOwn("a"),
      ],
      [
        "a thrown object with an own __proto__",
        `throw ${parsed("__proto__")}`,
        thrownWith(({ data }) => expectPlain(data, "__proto__")),
      ],
      [
        "a thrown error with an own __proto__ and constructor",
        `throw Object.defineProperty(Object.assign(new Error("x"), { constructor: 1 }), "__proto__", { value: { polluted: true }, enumerable: true })`,
        thrownWith(({ data }) => expectPlain(data, "__proto__", "constructor")),
      ],
      [
        "a cause with an own __proto__",
        `throw new Error("x", { cause: ${parsed("__proto__")} })`,
        thrownWith(({ cause }) => expectPlain(cause as object, "__proto__")),
      ],
      [
        "a cause that is an error with own __proto__ data",
        `throw new Error("x", { cause: Object.defineProperty(new Error("y"), "__proto__", { value: 1, enumerable: true }) })`,
        thrownWith(({ cause }) => {
          expect(Object.getPrototypeOf(cause)).toBe(Error.prototype);
          expectPlain((cause as { data: object }).data, "__proto__");
        }),
      ],
      [
        "an error named __proto__, and one named constructor",
        `[Object.assign(new Error("x"), { name: "__proto__" }), Object.assign(new Error("y"), { name: "constructor" })]`,
        givesWhat((errors: object[]) => {
          for (const error of errors) expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
        }),
      ],
      [
        "an argument of a host function with an own __proto__",
        `await host.take(${parsed("__proto__")})`,
        takesOwn("__proto__"),
      ],
      [
        "an argument of a host function with constructor and hasOwnProperty",
        `await host.take({ constructor: 1, hasOwnProperty: 2 })`,
        takesOwn("constructor", "hasOwnProperty"),
      ],
      [
        "a host function's result with an own __proto__",
        `const v = await host.polluted(); [Object.getPrototypeOf(v) === Object.prototype, Object.hasOwn(v, "__proto__"), ({}).polluted ?? null]`,
        gives([true, true, null]),
      ],
      [
        "own __proto__ data of a host function's error",
        `const e = await host.refuse().catch((e) => e); [Object.getPrototypeOf(e) === Error.prototype, e.polluted ?? null, ({}).polluted ?? null]`,
        gives([true, null, null]),
      ],
      [
        "a constant with an own __proto__",
        `const v = constants.POLLUTED; [Object.getPrototypeOf(v) === Object.prototype, Object.hasOwn(v, "__proto__"), ({}).polluted ?? null]`,
        gives([true, true, null]),
      ],
      [
        "a console line with an own __proto__",
        `console.log(${parsed("__proto__")}, ${parsed("constructor")}); console.table([${parsed("__proto__")}]); 1`,
        gives(1),
      ],
      [
        "every prototype of the guest's own realm",
        `for (const name of Object.getOwnPropertyNames(globalThis)) {
          try { globalThis[name].prototype.polluted = true; globalThis[name].polluted = true; } catch {}
        }
        ({}).polluted`,
        gives(true),
      ],
      [
        "a prototype changed while its object crosses",
        `const v = { a: 1 }; const r = host.take(v); Object.setPrototypeOf(v, Array.prototype); v.b = 2; await r; v`,
        both(givesOwn("a", "b"), takesOwn("a")),
      ],
    ]),
    {
      name: "an argument with an own __proto__",
      call: `(v) => [Object.getPrototypeOf(v) === Object.prototype, Object.hasOwn(v, "__proto__"), ({}).polluted ?? null]`,
      args: [own("__proto__")],
      expect: gives([true, true, null]),
    },
    {
      name: "an argument with constructor, toString and then",
      call: `(...all) => all.map((v) => [Object.getPrototypeOf(v) === Object.prototype, Object.keys(v)[0]])`,
      args: [own("constructor"), own("toString"), own("then")],
      expect: gives([
        [true, "constructor"],
        [true, "toString"],
        [true, "then"],
      ]),
    },
    ...["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => ({
      name: `a function called ${name} that nobody defined`,
      act: ({ pool }: Stage) => pool.run(name),
      expect: both(failsWith("unknown-function"), tookNothing),
    })),
    {
      name: "web APIs that keep names of the guest's",
      script: `const p = new URLSearchParams("__proto__=1&constructor=2");
        console.count("__proto__"); console.count("constructor"); console.time("__proto__"); console.timeEnd("__proto__");
        [p.get("__proto__"), p.get("constructor"), ({}).polluted ?? null, Object.getPrototypeOf(structuredClone(${parsed("__proto__")})) === Object.prototype]`,
      expect: gives(["1", "2", null, true]),
    },
  ],
};
