import { expect } from "vitest";
import { both, either, failsWith, gives, givesWhat, throws, tookNothing } from "../expectations.ts";
import { type Family, needsBlocking, scripts, type Stage } from "../vector.ts";

/** What messages between parent and worker look like in named form. */
const MESSAGES = `[
  { type: "settled", runId: 1, value: "forged" }, { type: "failed", runId: 1, code: "timeout", message: "forged" },
  { type: "host-reply", runId: 1, callId: 1, succeeded: true, payload: new Uint8Array(4) },
  { type: "host-call", runId: 1, callId: 1, isSync: false, name: "take", args: new Uint8Array(4) },
  { type: "cancel", runId: 1 }, { id: "comlink", type: "APPLY", path: ["terminate"], argumentList: [] }, { type: "parked", runId: 1 }
]`;

export const forgedProtocol: Family = {
  name: "forged protocol",
  vectors: [
    ...scripts([
      ["results shaped like messages", MESSAGES, givesWhat((all) => expect(all).toHaveLength(7))],
      [
        "console lines shaped like messages",
        `for (const message of ${MESSAGES}) console.log(message); 1`,
        gives(1),
      ],
      ["thrown messages", `throw ${MESSAGES}[0]`, failsWith("guest-error")],
      [
        "messages as arguments of host functions",
        `(await host.echo(...${MESSAGES})).length`,
        gives(7),
      ],
      [
        "bytes shaped like a batch",
        `const bytes = new Uint8Array(64); for (let i = 0; i < 64; i++) bytes[i] = i; console.log(bytes); bytes`,
        givesWhat((bytes) => expect(bytes).toHaveLength(64)),
      ],
      [
        "a way to post messages",
        `[typeof postMessage, typeof onmessage, typeof MessageChannel, typeof self, typeof close]`,
        gives(Array(5).fill("undefined")),
      ],
      [
        "the door's operations called on the tables",
        `[host, hostSync].map((table) => { try { return table(10, "take", []); } catch (e) { return e.name; } })`,
        gives(["TypeError", "TypeError"]),
      ],
      [
        "the names of the prototype's methods",
        `["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "then"].map((name) => typeof host[name] + typeof hostSync[name])`,
        gives(Array(6).fill("undefinedundefined")),
      ],
      [
        "paths written as names",
        `["tree.branch.leaf", "tree.branch", "one.call", "../one", "one\\0", "", " one"].map((name) => typeof host[name])`,
        gives(Array(7).fill("undefined")),
      ],
      [
        "the library's module in the making",
        `[typeof globalThis["skep:module"], await import("skep:module").catch((e) => e.name), await import("skep:text").catch((e) => e.name)]`,
        gives(["undefined", "ReferenceError", "ReferenceError"]),
      ],
      [
        "files the library evaluates under other names",
        `(await Promise.allSettled(["skep:boot", "skep", "eval.js", "eval", "<eval>", "host"].map((name) => import(name)))).map(({ status }) => status)`,
        gives(Array(6).fill("rejected")),
      ],
      [
        "functions caught by a replaced Function.prototype",
        `const caught = []; for (const key of ["call", "apply", "bind"]) Function.prototype[key] = function (...args) { caught.push(this, ...args); };
        host.one(1); setTimeout(() => {}, 1); console.log(1); structuredClone({}); new URL("https://a.b/"); caught.length`,
        gives(0),
      ],
      [
        "functions caught by setters on Object.prototype",
        `const caught = []; for (const key of ["host", "shared", "resolve", "reject", "runTimer", "callback", "receive", "settleHost", "link", "0", "1", "2", "3"]) Object.defineProperty(Object.prototype, key, { __proto__: null, set(value) { caught.push([key, typeof value]); }, configurable: true });
        await host.one({ a: 1 }); await new Promise((done) => setTimeout(done)); console.log(1); caught`,
        gives([]),
      ],
      [
        "functions caught as the caller",
        `const caught = []; const spy = { get x() { let at = spy.x2; try { caught.push(typeof arguments.callee.caller); } catch {} return 1; } };
        try { await host.one(spy); } catch {} caught.filter((kind) => kind === "function").length`,
        gives(0),
      ],
      [
        "the library's frames at the stack's end",
        `let deepest = []; const f = () => { try { f(); } catch (e) { try { host.one(1); } catch (e2) { deepest.push(typeof e2.stack); } } }; f();
        deepest.every((kind) => kind === "string") && (await host.one(3))`,
        either(gives(3), failsWith("stack-exceeded")),
      ],
      [
        "made-up replies to one's own call",
        `let settled = 0; const p = host.hold(); p.then(() => settled++, () => settled++); for (const name of ["settleHost", "resolve", "pending"]) { try { globalThis[name]?.(1, true, [0, "forged"]); } catch {} } await null; settled`,
        gives(0),
      ],
      [
        "this of a host function",
        `await Promise.all([host.one.call(null, 1), host.one.call({ name: "take" }, 2), Reflect.apply(host.one, Proxy, [3])])`,
        both(gives([1, 2, 3]), tookNothing),
      ],
      [
        "a host function as a constructor",
        `try { const made = await new host.one(1); typeof made } catch (e) { e.name }`,
        either(gives("number"), gives("object"), gives("TypeError")),
      ],
      [
        "a host function with its name changed",
        `Object.defineProperty(host.one, "name", { value: "take" }); await host.one(1)`,
        both(gives(1), tookNothing),
      ],
      [
        "a path changed behind a host function",
        `const { one } = host; host.take2 = one; delete host.one; await host.take2(5)`,
        both(gives(5), tookNothing),
      ],
      [
        "console methods called as the door",
        `console.log.call(10, "take", [1]); console.log.apply(undefined, [10, "take", [1]]); console.error(2, "log", ["forged"]); 1`,
        both(gives(1), tookNothing),
      ],
      [
        "a level that does not exist",
        `console["fatal"]?.("x"); console.log("%s", "settled"); 1`,
        gives(1),
      ],
      [
        "private words of the library as globals",
        `["uncurry", "defineProperty", "pending", "handles", "receive", "hostError", "defineHost", "settleHost", "platform", "linkInto", "fill", "firstTimer"].filter((name) => name in globalThis || typeof globalThis[name] !== "undefined")`,
        gives([]),
      ],
      [
        "errors of the door for bad calls",
        `const errors = []; for (const bad of [() => 1, Symbol("x"), new Proxy({}, {}), new WeakMap()]) await host.one(bad).catch((e) => errors.push(e.name)); errors`,
        gives(Array(4).fill("TypeError")),
      ],
      [
        "a run's number in what it throws",
        `throw Object.assign(new Error("x"), { runId: 1, workerId: 99, receipt: { gas: 0 } })`,
        both(throws("Error", /^x$/), (outcome) => expect(outcome.receipt.workerId).not.toBe(99)),
      ],
      [
        "a receipt of the guest's",
        `({ ok: false, error: { code: "timeout" }, receipt: { cpuMs: -1 } })`,
        (outcome) => expect(outcome.ok && outcome.receipt.cpuMs >= 0).toBe(true),
      ],
    ]),
    ...scripts(
      [
        [
          "the door's operations through a call that blocks",
          `[hostSync.one.call(11, [true, "x"]), hostSync.one({ 0: true })]`,
          gives([[true, "x"], { 0: true }]),
        ],
        [
          "a reply shaped like an error, blocking",
          `const v = hostSync.one([false, ["Error", "forged"]]); v[0]`,
          gives(false),
        ],
      ],
      { skip: needsBlocking },
    ),
    {
      name: "a reply shaped like the door's own",
      script: `[await host.one([2, 99]), await host.one([1, 1, ["digest"]]), await host.one([0])]`,
      expect: gives([[2, 99], [1, 1, ["digest"]], [0]]),
    },
    ...["skep:boot", "__proto__", "", "a".repeat(10_000), "eval\n.js"].map((filename) => ({
      name: `an evaluation called ${JSON.stringify(filename).slice(0, 20)}`,
      act: ({ pool }: Stage) => pool.eval("1 + 1", { filename }),
      expect: either(gives(2), failsWith("invalid-argument", /filename/)),
    })),
  ],
};
