import { expect } from "vitest";
import { both, either, failsWith, gives } from "../expectations.ts";
import type { Expectation, Family, Vector } from "../vector.ts";

/** What a guest replaces before it uses the library. */
const POISONS: Record<string, string> = {
  JSON: `JSON.stringify = JSON.parse = () => "poisoned";`,
  "Array.prototype.push and its kin": `for (const key of ["push", "pop", "shift", "slice", "concat", "map", "join", "forEach", "indexOf"]) Array.prototype[key] = () => "poisoned";`,
  "the iterator of arrays": `Array.prototype[Symbol.iterator] = function* () { yield "poisoned"; };`,
  "the iterator of arrays, taken away": `delete Array.prototype[Symbol.iterator]; delete String.prototype[Symbol.iterator];`,
  "the iterator's next": `Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true });`,
  "setters on Object.prototype": `for (const key of ["0", "1", "2", "resolve", "reject", "then", "get", "id", "due", "next", "callback", "kind"]) Object.defineProperty(Object.prototype, key, { __proto__: null, set() { throw new Error("poisoned"); }, get() { return undefined; }, configurable: true });`,
  "setters on Array.prototype": `for (let index = 0; index < 10; index++) Object.defineProperty(Array.prototype, index, { set() { throw new Error("poisoned"); }, get: () => "poisoned", configurable: true });`,
  "descriptors' fields on Object.prototype": `Object.prototype.get = () => "poisoned"; Object.prototype.writable = Object.prototype.enumerable = Object.prototype.configurable = false;`,
  Promise: `globalThis.Promise = class { constructor() { throw new Error("poisoned"); } };`,
  "Promise.prototype": `const real = Promise.prototype.then; Promise.prototype.then = function (...args) { globalThis.poisoned = 1; return Reflect.apply(real, this, args); }; Promise.prototype.catch = Promise.prototype.finally = null; Promise.resolve = Promise.reject = null;`,
  "Promise's species and constructor": `Promise.prototype.constructor = function () { throw new Error("poisoned"); }; Object.defineProperty(Promise, Symbol.species, { value: null });`,
  "Map.prototype": `for (const key of Object.getOwnPropertyNames(Map.prototype)) Object.defineProperty(Map.prototype, key, { value: () => "poisoned" });`,
  "Set.prototype": `for (const key of Object.getOwnPropertyNames(Set.prototype)) Object.defineProperty(Set.prototype, key, { value: () => "poisoned" });`,
  "Map and Set": `globalThis.Map = globalThis.Set = globalThis.RegExp = globalThis.Date = null;`,
  Reflect: `for (const key of Object.getOwnPropertyNames(Reflect)) Reflect[key] = () => "poisoned";`,
  "Object's functions": `for (const key of ["keys", "defineProperty", "freeze", "getPrototypeOf", "entries", "assign", "create"]) Object[key] = () => "poisoned";`,
  "Function.prototype": `Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => "poisoned";`,
  "Function.prototype's hasInstance by class": `for (const C of [Error, Map, Promise, Array]) Object.defineProperty(C, Symbol.hasInstance, { value: () => { throw new Error("poisoned"); } });`,
  errors: `for (const name of ["Error", "TypeError", "RangeError", "ReferenceError"]) globalThis[name] = function () { return { poisoned: true }; };`,
  "Error.prototype": `for (const key of ["name", "message", "toString"]) Object.defineProperty(Error.prototype, key, { get() { return "poisoned"; }, set() { throw 1; } }); Error.prepareStackTrace = () => "poisoned";`,
  "String.prototype": `for (const key of Object.getOwnPropertyNames(String.prototype)) if (key !== "length" && key !== "constructor") String.prototype[key] = () => "poisoned";`,
  "RegExp.prototype": `RegExp.prototype.exec = RegExp.prototype.test = () => "poisoned"; for (const key of [Symbol.match, Symbol.replace, Symbol.split]) RegExp.prototype[key] = () => "poisoned";`,
  "Number and Math": `globalThis.Number = () => NaN; Math.floor = Math.random = Math.min = Math.max = () => NaN; globalThis.String = () => "poisoned"; globalThis.isNaN = null;`,
  "Date.now": `Date.now = () => NaN; Date.prototype.getTime = () => NaN; globalThis.performance = { now: () => NaN };`,
  "typed arrays": `ArrayBuffer.isView = () => "poisoned"; const T = Object.getPrototypeOf(Uint8Array); for (const key of ["set", "subarray", "slice", "fill"]) T.prototype[key] = () => "poisoned"; Object.defineProperty(T.prototype, "buffer", { get: () => "poisoned" }); Object.defineProperty(T.prototype, "length", { get: () => 0 }); globalThis.Uint8Array = globalThis.ArrayBuffer = globalThis.DataView = null;`,
  Symbol: `globalThis.Symbol = null;`,
  "Symbol.species of arrays": `Object.defineProperty(Array, Symbol.species, { value: function () { throw new Error("poisoned"); } });`,
  "toPrimitive and valueOf": `Object.prototype[Symbol.toPrimitive] = () => { throw new Error("poisoned"); }; Object.prototype.valueOf = Object.prototype.toString = () => { throw new Error("poisoned"); };`,
  "toJSON everywhere": `Object.prototype.toJSON = String.prototype.toJSON = Array.prototype.toJSON = () => "poisoned";`,
  "frozen intrinsics": `for (const key of Object.getOwnPropertyNames(globalThis)) { const value = globalThis[key]; if (typeof value === "function" || (typeof value === "object" && value && key !== "globalThis" && key !== "left")) { Object.freeze(value); if (value.prototype) Object.freeze(value.prototype); } }`,
  "Object.prototype's prototype slot": `Object.defineProperty(Object.prototype, "__proto__", { get: () => null, set() { throw new Error("poisoned"); } });`,
};

/** Uses everything of the library's that runs guest code, with values of all kinds. */
const USE = `
  await later(2);
  const back = [];
  for (let index = 0; index < sent.length; index++) left.define(back, index, { __proto__: null, value: await left.one(sent[index]), writable: true, enumerable: true, configurable: true });
  const error = await left.settled(left.fail());
  left.log("line", sent);
  const copy = left.clone(sent[1]);
  back;
`;

/** What the guest keeps for itself first, so that its own attack code is not what breaks. */
const PRELUDE = `
  const sent = [{ a: 1, b: [1, , 3] }, new Map([[1, new Set([2])]]), new Uint8Array([1, 2]), /x/g, new Date(5), "text", 2n];
  const left = { __proto__: null, one: host.one, fail: host.fail, log: console.log, clone: structuredClone, define: Object.defineProperty,
    settled: async (promise) => { try { return await promise; } catch (error) { return error; } } };
  const later = ((Promise, setTimeout) => async (ms) => { let done; const waits = new Promise((resolve) => { done = resolve; }); setTimeout(done, ms); await waits; })(Promise, setTimeout);
`;

const holes: unknown[] = [1];
holes[2] = 3;
const everything: Expectation = gives([
  { a: 1, b: holes },
  new Map([[1, new Set([2])]]),
  new Uint8Array([1, 2]),
  /x/g,
  new Date(5),
  "text",
  2n,
]);

function poisoned([name, statements]: [string, string]): Vector {
  return {
    name,
    script: `${PRELUDE}${statements}${USE}`,
    // A host call's promise is the guest's own class by then: it gets what it asked for, or its own error.
    expect:
      name === "Promise" ? either(everything, failsWith("guest-error", /poisoned/)) : everything,
  };
}

export const intrinsicPoisoning: Family = {
  name: "intrinsic poisoning",
  vectors: [
    ...Object.entries(POISONS).map(poisoned),
    {
      name: "every global taken away",
      script: `const { one } = host, all = globalThis; for (const key of Reflect.ownKeys(all)) try { delete all[key]; } catch {} [typeof host, typeof Map, await one(1)]`,
      expect: gives(["undefined", "undefined", 1]),
    },
    {
      name: "the library's globals replaced",
      script: `globalThis.host = { one: () => "mine" }; globalThis.console = null; globalThis.wpc_import = () => "mine"; globalThis.constants = null; [host.one(), wpc_import()]`,
      expect: gives(["mine", "mine"]),
    },
    {
      name: "a module under poisoned intrinsics",
      module: `const map = new Map([[1, 2]]); ${POISONS["Reflect"]} ${POISONS["Object's functions"]} ${POISONS["the iterator of arrays"]} export const a = [1]; export default map;`,
      expect: gives({ a: [1], default: new Map([[1, 2]]) }),
    },
    {
      name: "arguments that come before the poison",
      call: `(map) => { Map.prototype.get = () => "poisoned"; Map.prototype.set = () => "poisoned"; return map; }`,
      args: [new Map([[1, 2]])],
      expect: gives(new Map([[1, 2]])),
    },
    {
      name: "an endless loop in every intrinsic's place",
      script: `const { one } = host, map = new Map([[1, [2]]]); const spin = () => { for (;;); }; Array.prototype.push = Map.prototype.set = Reflect.apply = Object.defineProperty = JSON.stringify = Array.prototype[Symbol.iterator] = spin; await one(map)`,
      expect: gives(new Map([[1, [2]]])),
    },
    {
      name: "sentries that report what the library hands them",
      script: `const seen = []; const report = (name) => function (...args) { seen.push(name); };
        for (const key of ["0", "1", "resolve", "reject"]) Object.defineProperty(Object.prototype, key, { __proto__: null, set: report(key), configurable: true });
        Function.prototype.call = report("call"); Function.prototype.apply = report("apply");
        const p = host.one({ a: [1] }); setTimeout(() => {}); console.log(1); await p; seen`,
      expect: both(gives([]), (outcome) => expect(outcome.receipt.hostCalls).toBe(1)),
    },
  ],
};
