import { gives, givesWhat, throws } from "../expectations.ts";
import { expect } from "vitest";
import { type Family, needsBlocking, needsNode, scripts, type Vector } from "../vector.ts";

/** Host modules with a class instance behind a handle. */
const withModules: Partial<Vector> = {
  skip: needsNode,
  pool: {
    dependencies: {
      path: { module: "node:path", exports: ["basename", "sep"] },
      crypto: {
        module: "node:crypto",
        exports: ["createHash"],
        handles: { Hash: ["update", "digest"] },
      },
    },
  },
};

const handed = {
  list: [1],
  map: new Map([[1, {}]]),
  date: new Date(5),
  error: new TypeError("inside"),
  bytes: new Uint8Array(2),
};

/** A stack of the attack's own frames: none of the library, none of the host. */
const OWN_FRAMES = /^(?: {4}at \S+ \(eval\.js:\d+:\d+\)\n)*$/;

export const hostObjectLeak: Family = {
  name: "host object leak",
  pool: { constants: { TABLE: handed } },
  vectors: [
    ...scripts([
      [
        "the constructor of a host function",
        `[host.one.constructor === Function, host.one.constructor("return this")() === globalThis]`,
        gives([true, true]),
      ],
      [
        "the constructors of what a host function returned",
        `const v = await host.one({ a: [1] });
        [v.constructor === Object, v.a.constructor === Array, v.constructor.constructor("return typeof process")()]`,
        gives([true, true, "undefined"]),
      ],
      [
        "the prototypes of the tables of host functions",
        `[host, hostSync, host.tree, host.tree.branch].map((table) => Object.getPrototypeOf(table))`,
        gives([null, null, null, null]),
      ],
      [
        "the promise of a host call",
        `const p = host.one(1); [p.constructor === Promise, Object.getPrototypeOf(p) === Promise.prototype, Object.getOwnPropertyNames(p).length]`,
        gives([true, true, 0]),
      ],
      [
        "the error of a host function",
        `const e = await host.fail().catch((e) => e);
        [e.constructor === RangeError, e.message, e.code, e.stack, typeof e.secret, "cause" in e, e.constructor.constructor("return typeof process")()]`,
        gives([true, "refused by the host", "E_HOST", "", "undefined", false, "undefined"]),
      ],
      [
        "the species of returned bytes",
        `const v = await host.one(new Uint8Array(4));
        [v.constructor === Uint8Array, v.constructor[Symbol.species] === Uint8Array, v.buffer.constructor === ArrayBuffer]`,
        gives([true, true, true]),
      ],
      [
        "the iterators of a returned map",
        `const m = await host.one(new Map([[1, {}]]));
        [Object.getPrototypeOf(m.entries()) === Object.getPrototypeOf(new Map().entries()), m.get(1).constructor === Object]`,
        gives([true, true]),
      ],
      [
        "the constructors of async functions and generators",
        `const body = "return typeof process + typeof require";
        const run = [(async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor];
        [await run[0](body)(), run[1](body)().next().value, (await run[2](body)().next()).value]`,
        gives(Array(3).fill("undefinedundefined")),
      ],
      [
        "globals of hosts",
        `"process require module exports Buffer global window self document fetch XMLHttpRequest WebSocket EventSource Worker SharedWorker importScripts postMessage onmessage indexedDB localStorage navigator location MessageChannel BroadcastChannel WebAssembly Deno Bun std os print scriptArgs bjson __dirname __filename".split(" ").filter((name) => name in globalThis)`,
        gives([]),
      ],
      [
        "frames of the host in a refusal's stack",
        `await host.one(() => 1).catch((e) => e.stack)`,
        givesWhat((stack: string) => expect(stack).toMatch(OWN_FRAMES)),
      ],
      [
        "a stack formatter that wants to see call sites",
        `Error.prepareStackTrace = (e, sites) => sites;
        const e = await host.fail().catch((e) => e); [typeof e.stack, e.stack.length]`,
        gives(["string", 0]),
      ],
      [
        "callers and arguments of the library's functions",
        `[host.one, wpc_import, setTimeout, structuredClone].flatMap((f) => ["caller", "arguments"].map((key) => {
          try { return f[key] ?? null; } catch (e) { return null; }
        }))`,
        gives(Array(8).fill(null)),
      ],
      [
        "this of callbacks the library calls",
        `const seen = [];
        await new Promise((done) => setTimeout(function () { seen.push(this === globalThis); done(); }));
        await new Promise((done) => queueMicrotask(function () { seen.push(this === globalThis); done(); }));
        seen`,
        gives([true, true]),
      ],
      [
        "the classes behind web APIs",
        `const made = [new URL("https://a.b/"), new TextEncoder().encode("x"), structuredClone({}), new AbortController().signal,
          new Event("x"), await crypto.subtle.digest("SHA-256", new Uint8Array(1)), crypto.getRandomValues(new Uint8Array(1))];
        made.map((value) => value.constructor.constructor === Function && value.constructor.constructor("return this")() === globalThis)`,
        gives(Array(7).fill(true)),
      ],
      [
        "an error a web API throws",
        `const errors = [];
        for (const attack of [() => atob("*"), () => new URL("x"), () => structuredClone(() => 1), () => crypto.getRandomValues(1)]) {
          try { attack(); } catch (e) { errors.push(e.constructor.constructor("return typeof process")()); }
        }
        errors`,
        gives(Array(4).fill("undefined")),
      ],
      [
        "any function with another realm's prototype",
        `const seen = new Set(), queue = [globalThis], foreign = [];
        for (let at = 0; at < queue.length; at++) {
          const object = queue[at];
          if (typeof object === "function" && object !== Function.prototype && !(object instanceof Function)) foreign.push(String(object));
          const next = [Object.getPrototypeOf(object)];
          for (const key of Reflect.ownKeys(object)) {
            const found = Reflect.getOwnPropertyDescriptor(object, key);
            next.push(found.value, found.get, found.set);
          }
          for (const value of next) {
            if (((typeof value === "object" && value) || typeof value === "function") && !seen.has(value)) { seen.add(value); queue.push(value); }
          }
        }
        [foreign, seen.size > 500]`,
        gives([[], true]),
      ],
      [
        "a scope that is a table of the host",
        `Function("table", "with (table) { return [typeof process, typeof one, typeof constructor] }")(host)`,
        gives(["undefined", "function", "function"]),
      ],
      [
        "indirect eval",
        `(0, eval)("typeof process + typeof require + typeof module")`,
        gives("undefined".repeat(3)),
      ],
      [
        "the end of the global object's prototype chain",
        `let at = globalThis, steps = 0; while ((at = Object.getPrototypeOf(at)) !== null) steps++; steps < 3`,
        gives(true),
      ],
      [
        "a constant's constructors",
        `const { TABLE } = constants;
        [TABLE.constructor === Object, TABLE.map.constructor === Map, TABLE.error.constructor === TypeError, TABLE.error.stack, TABLE.date.constructor === Date]`,
        gives([true, true, true, "", true]),
      ],
      [
        "a host function as a result",
        `host.one`,
        (outcome) =>
          expect(outcome).toMatchObject({ ok: false, error: { code: "not-marshallable" } }),
      ],
      ["a host function thrown", `throw host.one`, throws("")],
    ]),
    {
      name: "an argument's constructors",
      call: `(v) => [v.constructor === Object, v.list.constructor === Array, v.map.constructor === Map,
        v.date.constructor === Date, v.error.constructor === TypeError, v.error.stack, v.bytes.constructor === Uint8Array]`,
      args: [handed],
      expect: gives([true, true, true, true, true, "", true]),
    },
    {
      name: "an error of a host function that blocks",
      script: `try { hostSync.fail(); } catch (e) { [e.constructor === RangeError, e.stack, typeof e.secret, "cause" in e] }`,
      expect: givesWhat(([isOwn, stack, ...others]: unknown[]) => {
        expect([isOwn, ...others]).toEqual([true, "undefined", false]);
        expect(stack).toMatch(OWN_FRAMES);
      }),
      skip: needsBlocking,
    },
    ...scripts(
      [
        [
          "the prototype of a handle",
          `const hash = (await wpc_import("crypto")).createHash("sha256");
          [Object.getPrototypeOf(hash), typeof hash.constructor, Object.isFrozen(hash), Object.keys(hash).sort()]`,
          gives([null, "undefined", true, ["digest", "update"]]),
        ],
        [
          "a method of a handle that was not named",
          `const hash = (await wpc_import("crypto")).createHash("sha256"); [typeof hash.copy, typeof hash.write, typeof hash._handle]`,
          gives(["undefined", "undefined", "undefined"]),
        ],
        [
          "the constructor of a host module's function",
          `const { basename } = await import("path");
          [basename.constructor === Function, basename.constructor("return typeof process")(), basename("/a/b")]`,
          gives([true, "undefined", "b"]),
        ],
        [
          "exports of a host module that were not named",
          `const names = await import("path"); [Object.keys(names).filter((name) => name !== "default").sort(), typeof names.posix]`,
          gives([["basename", "sep"], "undefined"]),
        ],
        [
          "an error a host module throws",
          `const e = await (async () => (await wpc_import("crypto")).createHash("nope"))().catch((e) => e);
          [e.constructor.constructor("return typeof process")(), /node:|file:/.test(e.stack)]`,
          gives(["undefined", false]),
        ],
      ],
      withModules,
    ),
  ],
};
