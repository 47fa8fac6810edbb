/* oxlint-disable unicorn/no-thenable -- that is what this is about */
import { expect } from "vitest";
import { both, failsWith, gives, givesWhat } from "../expectations.ts";
import { type Expectation, type Family, scripts } from "../vector.ts";

const takes =
  (...values: unknown[]): Expectation =>
  (_outcome, { desk }) => {
    expect(desk.taken.map(([value]) => value)).toEqual(values);
  };

export const thenableTrap: Family = {
  name: "thenable trap",
  pool: {
    host: {
      liveThenable: () => ({ then: (resolve: (value: unknown) => void) => resolve("adopted") }),
      dataThenable: async () => [{ then: 1, value: 2 }],
    },
  },
  vectors: [
    ...scripts([
      [
        "a result with a then that is data",
        `({ then: 1, value: 2 })`,
        gives({ then: 1, value: 2 }),
      ],
      ["a result whose then is an object", `({ then: { then: 1 } })`, gives({ then: { then: 1 } })],
      [
        "a result with a then that is a function",
        `({ then(resolve) { resolve(5); } })`,
        failsWith("not-marshallable", /result\.then/),
      ],
      [
        "a then deep in a result",
        `[new Map([["a", { then(resolve) { resolve(5); } }]])]`,
        failsWith("not-marshallable", /then/),
      ],
      [
        "a then of a class",
        `new (class { a = 1; then(resolve) { resolve(5); } })()`,
        gives({ a: 1 }),
      ],
      [
        "a then nobody enumerates",
        `Object.defineProperty({ a: 1 }, "then", { value: (resolve) => resolve(5) })`,
        gives({ a: 1 }),
      ],
      [
        "a then on Object.prototype",
        `Object.prototype.then = function (resolve) { resolve("adopted"); }; ({ a: 1 })`,
        // What wraps a script's value is an object of the guest's realm, and adopted by the guest.
        gives(undefined),
      ],
      [
        "a then on Object.prototype, and the host",
        `Object.defineProperty(Object.prototype, "then", { value(resolve) { delete Object.prototype.then; resolve("adopted"); }, configurable: true });
        await host.take({ a: 1 }); 1`,
        takes({ a: 1 }),
      ],
      [
        "a then on arrays and Maps",
        `Array.prototype.then = Map.prototype.then = function (resolve) { resolve("adopted"); }; [new Map([[1, [2]]])]`,
        gives([new Map([[1, [2]]])]),
      ],
      [
        "an argument of a host function with a then that is data",
        `await host.take({ then: 1 }); 1`,
        both(gives(1), takes({ then: 1 })),
      ],
      [
        "an argument of a host function with a live then",
        `await host.take({ then(resolve) { resolve(1); } }).catch((e) => e.name)`,
        both(gives("TypeError"), takes()),
      ],
      [
        "a promise as an argument of a host function",
        `await host.take(Promise.resolve(1)).catch((e) => e.name)`,
        both(gives("TypeError"), takes()),
      ],
      [
        "a then that is data, there and back",
        `await host.one({ then: "x" })`,
        gives({ then: "x" }),
      ],
      [
        "a thenable of the host that is data",
        `await host.thenable()`,
        gives({ then: 1, value: 2 }),
      ],
      [
        "a thenable of the host inside an array",
        `await host.dataThenable()`,
        gives([{ then: 1, value: 2 }]),
      ],
      ["a live thenable of the host", `await host.liveThenable()`, gives("adopted")],
      [
        "a thrown then",
        `throw { then: 1 }`,
        (outcome) => expect(outcome).toMatchObject({ ok: false, error: { data: { then: 1 } } }),
      ],
      ["a thrown live then", `throw { then(resolve) { resolve(5); } }`, failsWith("guest-error")],
      ["a rejection with a then", `Promise.reject({ then: 1 })`, failsWith("guest-error")],
      [
        "an error with a then",
        `Object.assign(new Error("x"), { then: 1 })`,
        givesWhat((error) => expect(error).toBeInstanceOf(Error)),
      ],
      [
        "a promise whose own then lies",
        `const p = Promise.resolve(1); p.then = (resolve) => resolve("lie"); p`,
        gives(1),
      ],
      [
        "a subclass of Promise that never settles",
        `class P extends Promise { then() { return this; } } new P((resolve) => resolve(1))`,
        gives(1),
      ],
      [
        "Promise.prototype.then that lies",
        `Promise.prototype.then = function (resolve) { resolve("lie"); }; Promise.resolve(1)`,
        gives(1),
      ],
      [
        "a thenable that settles twice",
        `await { then(resolve, reject) { resolve(1); reject(2); resolve(3); throw 4; } }`,
        gives(1),
      ],
      [
        "a console line with a then",
        `console.log({ then(resolve) { resolve(5); } }, { then: 1 }); 1`,
        gives(1),
      ],
    ]),
    {
      name: "a script's value that is an address of forged memory",
      script: `globalThis.shapes = new Uint32Array(4 * 2 ** 20).fill(32 * 2 ** 20); globalThis.counts = new Uint32Array(6 * 2 ** 20).fill(2 ** 32 - 1);
        Object.prototype.then = function (resolve) { delete Object.prototype.then; resolve(12 * 2 ** 20); }; 1`,
      limits: { memoryBytes: 64 * 2 ** 20, timeoutMs: 1_000 },
      expect: gives(undefined),
    },
    {
      name: "a function's result with a live then",
      call: `() => ({ then(resolve) { resolve(5); } })`,
      expect: failsWith("not-marshallable", /then/),
    },
    {
      name: "an argument with a then that is data",
      call: `async (value) => (await null, value.then)`,
      args: [JSON.parse(`{"then":1}`)],
      expect: gives(1),
    },
    {
      name: "a module with an export called then that is data",
      module: `export const then = 1;`,
      expect: gives(JSON.parse(`{"then":1}`)),
    },
  ],
};
