import { expect } from "vitest";
import { both, failsWith, gives, givesWhat, throws } from "../expectations.ts";
import { type Expectation, type Family, scripts } from "../vector.ts";

const plain = (value: object): Expectation =>
  givesWhat((given: object) => {
    expect(Object.getPrototypeOf(given)).toBe(Object.prototype);
    expect(given).toEqual(value);
  });
const is = (constructor: new (...args: never[]) => object): Expectation =>
  givesWhat((given: object) => expect(Object.getPrototypeOf(given)).toBe(constructor.prototype));
const refused = failsWith("not-marshallable");

export const brandSpoofing: Family = {
  name: "brand spoofing",
  vectors: [
    ...scripts([
      ["Symbol.toStringTag of a Map", `({ [Symbol.toStringTag]: "Map", a: 1 })`, plain({ a: 1 })],
      [
        "an object with the prototype of Map",
        `Object.setPrototypeOf({ a: 1 }, Map.prototype)`,
        plain({ a: 1 }),
      ],
      [
        "an object with the prototype of Error",
        `Object.setPrototypeOf({ message: "m", stack: "s" }, Error.prototype)`,
        plain({ message: "m", stack: "s" }),
      ],
      [
        "an object with the prototype of Array",
        `Object.setPrototypeOf({ length: 5, 0: 1 }, Array.prototype)`,
        plain({ 0: 1, length: 5 }),
      ],
      [
        "an object with the prototype of ArrayBuffer",
        `Object.setPrototypeOf({ byteLength: 5 }, ArrayBuffer.prototype)`,
        plain({ byteLength: 5 }),
      ],
      [
        "an object with the prototype of Uint8Array",
        `Object.setPrototypeOf({ 0: 1 }, Uint8Array.prototype)`,
        plain({ 0: 1 }),
      ],
      [
        "an object with the prototype of Date",
        `Object.setPrototypeOf({ a: 1 }, Date.prototype)`,
        plain({ a: 1 }),
      ],
      [
        "an object with the prototype of Promise",
        `Object.setPrototypeOf({ a: 1 }, Promise.prototype)`,
        plain({ a: 1 }),
      ],
      [
        "an object with the prototype of Function",
        `Object.setPrototypeOf({ a: 1 }, Function.prototype)`,
        plain({ a: 1 }),
      ],
      [
        "an object whose constructor says Map",
        `({ constructor: "Map", a: 1 })`,
        plain(JSON.parse(`{"constructor":"Map","a":1}`)),
      ],
      [
        "a Map with the prototype of Array",
        `Object.setPrototypeOf(new Map([[1, 2]]), Array.prototype)`,
        gives(new Map([[1, 2]])),
      ],
      [
        "a Map without a prototype",
        `Object.setPrototypeOf(new Map([[1, 2]]), null)`,
        gives(new Map([[1, 2]])),
      ],
      [
        "a subclass of Map",
        `new (class Other extends Map { get size() { return 99; } })([[1, 2]])`,
        both(gives(new Map([[1, 2]])), is(Map)),
      ],
      [
        "an array with the prototype of Map",
        `Object.setPrototypeOf([1, 2], Map.prototype)`,
        gives([1, 2]),
      ],
      ["an array without a prototype", `Object.setPrototypeOf([1, 2], null)`, gives([1, 2])],
      [
        "a subclass of Array",
        `new (class Other extends Array {})(1, 2)`,
        both(gives([1, 2]), is(Array)),
      ],
      [
        "an error with the prototype of Object",
        `Object.setPrototypeOf(new TypeError("x"), Object.prototype)`,
        is(Error),
      ],
      [
        "an error that says it is a TypeError",
        `Object.assign(new Error("x"), { name: "TypeError" })`,
        is(TypeError),
      ],
      [
        "a TypeError that says it is something else",
        `Object.assign(new TypeError("x"), { name: "DOMException" })`,
        is(Error),
      ],
      [
        "a thrown object with the prototype of Error",
        `throw Object.setPrototypeOf({ message: "fake" }, Error.prototype)`,
        throws("Error", /^fake$/),
      ],
      [
        "a Date with the prototype of Map",
        `Object.setPrototypeOf(new Date(5), Map.prototype)`,
        both(gives(new Date(5)), is(Date)),
      ],
      [
        "an expression with the prototype of Date",
        `Object.setPrototypeOf(/a/g, Date.prototype)`,
        both(gives(/a/g), is(RegExp)),
      ],
      [
        "bytes with the prototype of doubles",
        `Object.setPrototypeOf(new Uint8Array([1, 2]), Float64Array.prototype)`,
        both(gives(new Uint8Array([1, 2])), is(Uint8Array)),
      ],
      [
        "bytes that say they are longer",
        `Object.defineProperty(new Uint8Array([1, 2]), "length", { value: 1e9 })`,
        gives(new Uint8Array([1, 2])),
      ],
      [
        "a buffer that says it is a view",
        `Object.setPrototypeOf(new ArrayBuffer(2), Uint8Array.prototype)`,
        is(ArrayBuffer),
      ],
      [
        "a boxed number with the prototype of String",
        `Object.setPrototypeOf(Object(5), String.prototype)`,
        is(Number),
      ],
      [
        "a function with the prototype of Object",
        `Object.setPrototypeOf(() => 1, Object.prototype)`,
        refused,
      ],
      [
        "a function with the tag of an object",
        `Object.assign(() => 1, { [Symbol.toStringTag]: "Object" })`,
        refused,
      ],
      [
        "a proxy of a Map that says it is one",
        `new Proxy(new Map(), { getPrototypeOf: () => Map.prototype, get: (_, key) => (key === Symbol.toStringTag ? "Map" : 1) })`,
        refused,
      ],
      [
        "a WeakMap that says it is a Map",
        `Object.setPrototypeOf(new WeakMap(), Map.prototype)`,
        refused,
      ],
      [
        "a promise that says it is an object",
        `[Object.setPrototypeOf(Promise.resolve(1), Object.prototype)]`,
        refused,
      ],
      [
        "a promise without a prototype, as the result",
        `Object.setPrototypeOf(Promise.resolve(1), null)`,
        gives(1),
      ],
      [
        "a SharedArrayBuffer that says it is a buffer",
        `Object.setPrototypeOf(new SharedArrayBuffer(2), ArrayBuffer.prototype)`,
        refused,
      ],
      [
        "a view of a detached buffer",
        `const b = new Uint8Array(4); b.buffer.transfer(); b`,
        refused,
      ],
      ["arguments", `(function () { return arguments; })(1, 2)`, plain({ 0: 1, 1: 2 })],
      [
        "a generator that says it is an array",
        `Object.setPrototypeOf((function* () {})(), Array.prototype)`,
        refused,
      ],
      [
        "Symbol.hasInstance that says yes to all",
        `for (const C of [Map, Error, Promise, ArrayBuffer]) Object.defineProperty(C, Symbol.hasInstance, { value: () => true }); ({ a: 1 })`,
        plain({ a: 1 }),
      ],
      [
        "Object.prototype.toString that says Map",
        `Object.prototype.toString = () => "[object Map]"; ({ a: 1 })`,
        plain({ a: 1 }),
      ],
      [
        "Array.isArray that says no",
        `Array.isArray = () => false; ArrayBuffer.isView = () => true; [[1], new ArrayBuffer(1)]`,
        givesWhat(([list, buffer]: [unknown, unknown]) =>
          expect([Array.isArray(list), buffer instanceof ArrayBuffer]).toEqual([true, true]),
        ),
      ],
      [
        "a spoofed argument of a host function",
        `await host.take(Object.setPrototypeOf({ a: 1 }, Map.prototype), Object.setPrototypeOf(new Map([[1, 2]]), null)); 1`,
        (_outcome, { desk }) => expect(desk.taken).toEqual([[{ a: 1 }, new Map([[1, 2]])]]),
      ],
      [
        "an event that says it is trusted",
        `const e = new Event("x"); let failed = false; try { e.isTrusted = true; } catch { failed = true; } e.isTrusted === true`,
        gives(false),
      ],
      [
        "an abort signal nobody made",
        `try { Object.create(AbortSignal.prototype).aborted; } catch (e) { e.name }`,
        gives("TypeError"),
      ],
    ]),
  ],
};
