import { GuestError, type RunOutcome } from "skep";
import { expect } from "vitest";
import { both, either, failsWith, gives, throws, where } from "../expectations.ts";
import { type Expectation, type Family, scripts } from "../vector.ts";

const CODES =
  "timeout memory-exceeded stack-exceeded output-exceeded aborted queue-full worker-lost unknown-function closed guest-error".split(
    " ",
  );

const thrown = (look: (error: GuestError) => void): Expectation =>
  both(failsWith("guest-error", /(?:)/), (outcome: RunOutcome) => {
    if (!outcome.ok) look(outcome.error as GuestError);
  });

export const errorForgery: Family = {
  name: "error forgery",
  vectors: [
    ...CODES.map((code) => ({
      name: `an error with the code ${code}`,
      script: `throw Object.assign(new Error("forged"), { name: "SkepError", code: "${code}", receipt: { cpuMs: -1 } })`,
      expect: both(
        throws("SkepError", /^forged$/),
        thrown(({ data, receipt }) => {
          expect(data["code"]).toBe(code);
          expect(receipt?.cpuMs).toBeGreaterThanOrEqual(0);
        }),
      ),
    })),
    ...scripts([
      [
        "a plain object like an error of the library",
        `throw { name: "SkepError", message: "forged", code: "timeout", stack: "file:///etc/passwd" }`,
        thrown((e) => expect([e.name, e.code, e.stack]).toEqual(["SkepError", "guest-error", ""])),
      ],
      [
        "the engine's words for no memory",
        `throw new InternalError("out of memory")`,
        throws("InternalError", /^out of memory$/),
      ],
      [
        "the engine's words for no memory, as a RangeError",
        `throw Object.assign(new RangeError("out of memory"), { name: "InternalError" })`,
        throws("InternalError", /^out of memory$/),
      ],
      [
        "the engine's words for the stack's end",
        `throw new RangeError("stack overflow")`,
        throws("RangeError", /^stack overflow$/),
      ],
      [
        "the engine's words for the stack's end, as an InternalError",
        `throw new InternalError("stack overflow")`,
        throws("InternalError", /^stack overflow$/),
      ],
      [
        "the engine's words for an interruption",
        `throw new InternalError("interrupted")`,
        throws("InternalError", /^interrupted$/),
      ],
      [
        "null, as the engine throws without memory",
        `throw null`,
        thrown((e) => expect(e.data).toEqual({ value: null })),
      ],
      ["undefined", `throw undefined`, thrown((e) => expect(e.message).toBe("undefined"))],
      ["a number", `throw 42`, thrown((e) => expect(e.data).toEqual({ value: 42 }))],
      ["a symbol", `throw Symbol("x")`, failsWith("guest-error")],
      ["a function", `throw () => 1`, failsWith("guest-error")],
      ["a class", `throw class SkepError {}`, failsWith("guest-error")],
      ["a promise", `throw Promise.resolve(1)`, failsWith("guest-error")],
      ["a BigInt", `throw 2n ** 100n`, failsWith("guest-error")],
      [
        "an array",
        `throw ["timeout"]`,
        thrown((e) => expect(e.data).toEqual({ value: ["timeout"] })),
      ],
      [
        "a Map",
        `throw new Map([["code", "timeout"]])`,
        thrown((e) => expect(e.data).toEqual({ value: new Map([["code", "timeout"]]) })),
      ],
      [
        "an error named like the host's classes",
        `class GuestError extends Error { get code() { return "timeout"; } } throw new GuestError("forged")`,
        thrown((e) => expect(e.code).toBe("guest-error")),
      ],
      [
        "a stack with frames of the host",
        `const e = new Error("x"); e.stack = "    at Object.<anonymous> (evil.js:1:1)"; throw e`,
        thrown((e) => expect(e.stack).toContain("evil.js")),
      ],
      [
        "an error whose stack is an object",
        `const e = new Error("x"); e.stack = { toString() { return "lie"; } }; throw e`,
        thrown((e) => expect(typeof e.stack).toBe("string")),
      ],
      [
        "an error whose message is an object",
        `const e = new Error("x"); e.message = { toString() { for (;;); } }; throw e`,
        thrown((e) => expect(e.message).toBe("")),
      ],
      [
        "an error whose name is a symbol",
        `const e = new Error("x"); e.name = Symbol("x"); throw e`,
        thrown((e) => expect(e.name).toBe("Error")),
      ],
      [
        "data that would overwrite the error's fields",
        `throw Object.assign(new Error("x"), { data: 1, receipt: 2, constructor: 3, toString: 4 })`,
        thrown((e) => {
          expect(e).toBeInstanceOf(GuestError);
          expect(e.data).toEqual({ data: 1, receipt: 2, constructor: 3, toString: 4 });
          expect(String(e)).toBe("Error: x");
        }),
      ],
      [
        "a cause like an error of the library",
        `throw new Error("x", { cause: Object.assign(new Error("y"), { name: "SkepError", code: "timeout" }) })`,
        thrown(({ cause }) => {
          expect((cause as { code?: unknown }).code).toBeUndefined();
          expect(cause).toBeInstanceOf(Error);
        }),
      ],
      [
        "a rejection instead of a throw",
        `Promise.reject(Object.assign(new Error("x"), { code: "timeout" }))`,
        throws("Error", /^x$/),
      ],
      [
        "a rejection nobody handles beside a result",
        `Promise.reject(new Error("lost")); 1`,
        gives(1),
      ],
      [
        "an error in a timer beside a result",
        `setTimeout(() => { throw Object.assign(new Error("x"), { code: "timeout" }); }); await new Promise((done) => setTimeout(done, 10)); 1`,
        gives(1),
      ],
      [
        "an error of an event's listener",
        `const t = new EventTarget(); t.addEventListener("x", () => { throw new Error("x"); }); t.dispatchEvent(new Event("x")); 1`,
        gives(1),
      ],
      [
        "no memory that was caught, then the same words",
        `try { const k = []; for (;;) k.push(new Uint8Array(1e6)); } catch {} throw new Error("something else")`,
        throws("Error", /^something else$/),
      ],
      [
        "a stack's end that was caught, then something else",
        `const f = () => f() + 1; try { f(); } catch {} throw new Error("something else")`,
        where(({ recursionIsCaught }) => {
          const thrownOn = throws("Error", /^something else$/);
          return recursionIsCaught ? thrownOn : either(thrownOn, failsWith("stack-exceeded"));
        }),
      ],
      ["syntax that is none", `this is not (`, throws("SyntaxError")],
      [
        "syntax that is none, in megabytes",
        `${"(".repeat(10)}"${"x".repeat(100_000)}`,
        throws("SyntaxError"),
      ],
    ]),
    {
      name: "an error in a module",
      module: `throw Object.assign(new Error("x"), { code: "timeout" });`,
      expect: throws("Error", /^x$/),
    },
    {
      name: "an error of a function",
      call: `() => { throw Object.assign(new TypeError("x"), { code: "closed" }); }`,
      expect: throws("TypeError", /^x$/),
    },
  ],
};
