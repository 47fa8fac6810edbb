import { expect } from "vitest";
import { both, calls, either, failsWith, gives, givesWhat, throws } from "../expectations.ts";
import { type Expectation, type Family, scripts } from "../vector.ts";

/** What a hook would do if it ran while a value is read. */
const hook = `(globalThis.count = (globalThis.count ?? 0) + 1, host.take("hook"), "hooked")`;
const refused = both(failsWith("not-marshallable", /^result/), calls(0));
const unseen = (expectation: Expectation): Expectation => both(expectation, calls(0));
/** The script's own call of the host, and no other. */
const asked = (expectation: Expectation): Expectation => both(expectation, calls(1));

export const hooksDuringMarshalling: Family = {
  name: "hooks during marshalling",
  vectors: [
    ...scripts([
      ["a getter on a result", `({ get x() { return ${hook}; } })`, refused],
      [
        "a getter on an element",
        `Object.defineProperty([1], 0, { get() { return ${hook}; }, enumerable: true })`,
        refused,
      ],
      ["a setter alone", `({ set x(v) { ${hook}; } })`, refused],
      [
        "a getter nobody enumerates",
        `Object.defineProperty({ a: 1 }, "x", { get() { return ${hook}; } })`,
        unseen(gives({ a: 1 })),
      ],
      [
        "a getter of a class",
        `new (class { a = 1; get x() { return ${hook}; } })()`,
        unseen(gives({ a: 1 })),
      ],
      [
        "a proxy",
        `new Proxy({}, { get() { return ${hook}; }, ownKeys() { ${hook}; return []; }, getPrototypeOf() { ${hook}; return null; } })`,
        refused,
      ],
      [
        "a proxy of an array deep in a Map",
        `new Map([["a", [new Proxy([], { get() { return ${hook}; } })]]])`,
        refused,
      ],
      [
        "a proxy as a prototype",
        `Object.create(new Proxy({}, { get() { return ${hook}; }, has() { ${hook}; return true; } }))`,
        unseen(gives({})),
      ],
      ["toJSON", `({ a: 1, toJSON() { return ${hook}; } })`, refused],
      [
        "toJSON of a prototype",
        `Object.prototype.toJSON = function () { return ${hook}; }; Date.prototype.toJSON = Object.prototype.toJSON; [{ a: 1 }, new Date(5)]`,
        unseen(gives([{ a: 1 }, new Date(5)])),
      ],
      [
        "Symbol.toPrimitive, valueOf and toString nobody enumerates",
        `const o = { a: 1, [Symbol.toPrimitive]() { return ${hook}; } };
        for (const key of ["valueOf", "toString"]) Object.defineProperty(o, key, { value() { return ${hook}; } }); o`,
        unseen(gives({ a: 1 })),
      ],
      [
        "Symbol.iterator of an array",
        `const a = [1, 2]; a[Symbol.iterator] = function* () { yield ${hook}; }; a`,
        unseen(gives([1, 2])),
      ],
      [
        "the iterator of every array",
        `Array.prototype[Symbol.iterator] = function* () { yield ${hook}; }; [[1], [2]]`,
        unseen(gives([[1], [2]])),
      ],
      [
        "entries, size and forEach of a Map",
        `const m = new Map([[1, 2]]); for (const key of ["entries", "forEach"]) Map.prototype[key] = () => ${hook};
        Object.defineProperty(m, "size", { get() { return ${hook}; } }); Map.prototype[Symbol.iterator] = function* () { ${hook}; }; m`,
        unseen(gives(new Map([[1, 2]]))),
      ],
      [
        "values of a Set",
        `Set.prototype.values = Set.prototype[Symbol.iterator] = function* () { yield ${hook}; }; new Set([1])`,
        unseen(gives(new Set([1]))),
      ],
      [
        "getTime and valueOf of a Date",
        `Date.prototype.getTime = Date.prototype.valueOf = Date.prototype[Symbol.toPrimitive] = () => ${hook}; new Date(7)`,
        unseen(gives(new Date(7))),
      ],
      [
        "source and flags of an expression",
        `for (const key of ["source", "flags", "global"]) Object.defineProperty(RegExp.prototype, key, { get() { return ${hook}; } }); /a/g`,
        unseen(gives(/a/g)),
      ],
      [
        "length and buffer of bytes",
        `const b = new Uint8Array([1, 2]); for (const key of ["length", "buffer", "byteOffset"]) Object.defineProperty(b, key, { get() { return ${hook}; } }); b`,
        unseen(gives(new Uint8Array([1, 2]))),
      ],
      [
        "byteLength and slice of a buffer",
        `Object.defineProperty(ArrayBuffer.prototype, "byteLength", { get() { return ${hook}; } }); ArrayBuffer.prototype.slice = () => ${hook}; new ArrayBuffer(2)`,
        unseen(gives(new ArrayBuffer(2))),
      ],
      [
        "valueOf of a boxed number",
        `const n = Object(5); n.valueOf = () => ${hook}; n`,
        unseen(givesWhat((n) => expect(Number(n)).toBe(5))),
      ],
      [
        "a getter of an error's message",
        `Object.defineProperty(new Error("x"), "message", { get() { return ${hook}; }, enumerable: true })`,
        either(refused, unseen(givesWhat((e: Error) => expect(e.message).toBe("")))),
      ],
      [
        "getters of Error.prototype",
        `for (const key of ["name", "message", "stack"]) Object.defineProperty(Error.prototype, key, { get() { return ${hook}; } }); const e = new Error("mine"); e`,
        unseen(givesWhat((e) => expect(e).toBeInstanceOf(Error))),
      ],
      [
        "a getter of a thrown error",
        `throw Object.defineProperty(new Error("x"), "name", { get() { return ${hook}; }, enumerable: true })`,
        unseen(throws("Error", /^x$/)),
      ],
      [
        "a getter of a thrown object",
        `throw { get message() { return ${hook}; }, get name() { for (;;); } }`,
        unseen(failsWith("guest-error")),
      ],
      [
        "a thrown proxy",
        `throw new Proxy(new Error("x"), { get() { return ${hook}; }, getPrototypeOf() { ${hook}; return null; } })`,
        unseen(failsWith("guest-error")),
      ],
      [
        "toString of what is thrown",
        `throw { toString() { return ${hook}; } }`,
        unseen(failsWith("guest-error")),
      ],
      [
        "a getter of a cause",
        `throw new Error("x", { cause: { get y() { return ${hook}; } } })`,
        unseen(throws("Error", /^x$/)),
      ],
      [
        "hooks on what is printed",
        `console.log({ get x() { return ${hook}; } }, new Proxy({}, { get() { return ${hook}; } }), { toString() { return ${hook}; }, toJSON() { return ${hook}; } }); console.log("%s %d %o", { toString() { return ${hook}; } }, { valueOf() { return ${hook}; } }, 1); 1`,
        unseen(gives(1)),
      ],
      [
        "a getter in an argument of a host function",
        `await host.one({ get x() { return ${hook}; } }).catch((e) => e.name)`,
        asked(gives("TypeError")),
      ],
      [
        "a proxy in an argument of a host function",
        `await host.one(new Proxy({}, { get() { return ${hook}; } })).catch((e) => e.name)`,
        asked(gives("TypeError")),
      ],
      [
        "toJSON in an argument of a host function",
        `class A { a = 1; toJSON() { return ${hook}; } } await host.one(new A())`,
        asked(gives({ a: 1 })),
      ],
      [
        "setters in the way of a host function's result",
        `for (const key of ["0", "1", "length", "a"]) Object.defineProperty(Object.prototype, key, { __proto__: null, set(v) { ${hook}; }, get() { return ${hook}; }, configurable: true });
        const v = await host.one({ a: 1 }); v.a`,
        asked(gives(1)),
      ],
      [
        "a setter in the way of the script's own value",
        `Object.defineProperty(Object.prototype, "value", { set(v) { globalThis.seen = v; }, get() { return "hooked"; }, configurable: true }); 5`,
        gives(undefined),
      ],
      [
        "an endless getter on then",
        `({ get then() { for (;;); } })`,
        either(refused, failsWith("timeout")),
      ],
      ["a generator that is not done", `(function* () { yield ${hook}; })()`, refused],
      [
        "a getter that would end the run elsewhere",
        `Object.defineProperty({}, "x", { get: () => { throw ${hook}; }, enumerable: true })`,
        refused,
      ],
    ]),
    {
      name: "a module that exports a then",
      module: `export function then(resolve) { host.take("hook"); resolve("hijacked"); }`,
      expect: refused,
    },
    {
      name: "a module with an export that is never initialised",
      module: `export { x }; if (false) { } await 0; class A {} export default 1; throw 2; let x = 1;`,
      expect: throws("Error"),
    },
    {
      name: "a module with a getter on an exported object",
      module: `export const x = { get y() { host.take("hook"); return 1; } };`,
      expect: both(failsWith("not-marshallable"), calls(0)),
    },
    {
      name: "an endless getter in a function's result, under the limit",
      call: `async () => ({ get then() { for (;;); } })`,
      limits: { timeoutMs: 50 },
      expect: failsWith("timeout"),
    },
  ],
};
