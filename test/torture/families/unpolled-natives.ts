import { expect } from "vitest";
import { either, failsWith, gives, givesWhat, throws, where } from "../expectations.ts";
import { type Family, needsThread, type Vector } from "../vector.ts";

/** Natives that take long for what 16 MiB can hold: setting up, and what is called again and again. */
const BOUNDED_BY_MEMORY: Record<string, [before: string, again: string]> = {
  fill: ["const a = new Array(5e5)", "a.fill(0)"],
  indexOf: ["const a = new Array(5e5).fill(0)", "a.indexOf(1)"],
  includes: ["const a = new Array(5e5).fill(0)", "a.includes(1)"],
  join: ["const a = new Array(1e5).fill(0)", "a.join()"],
  reverse: ["const a = new Array(5e5).fill(0)", "a.reverse()"],
  "sort without a callback": [
    "const a = Array.from({ length: 5e4 }, (_, n) => -n)",
    "a.toSorted()",
  ],
  slice: ["const a = new Array(3e5).fill(0)", "a.slice()"],
  splice: ["const a = new Array(3e5).fill(0)", "a.splice(0, 1, 1, 2)"],
  unshift: ["const a = new Array(2e5).fill(0)", "a.unshift(1); a.shift()"],
  "Object.keys of a typed array": ["const a = new Uint8Array(5e4)", "Object.keys(a)"],
  "JSON.parse": [`const s = "[" + "1,".repeat(1e5) + "1]"`, "JSON.parse(s)"],
  "JSON.stringify": ["const a = new Array(1e5).fill(1)", "JSON.stringify(a)"],
  "a BigInt power": ["let n", "n = 3n ** 20000n"],
  "a BigInt in decimal": ["const n = 3n ** 20000n", "String(n)"],
  "a catastrophic expression": [`const s = "a".repeat(40) + "b"`, "/(a+)+$/.test(s)"],
  "an expression over megabytes": [`const s = "ab".repeat(5e5)`, "/(?:ab)*c/.test(s)"],
  replaceAll: [`const s = "ab".repeat(1e5)`, `s.replaceAll("a", "xy")`],
  "string search": [`const s = "a".repeat(1e4), t = "a".repeat(5e3) + "b"`, "s.indexOf(t)"],
  normalize: [`const s = "\\u0041\\u030a".repeat(5e4)`, `s.normalize("NFC")`],
  encodeURIComponent: [`const s = "\\u4e2d".repeat(1e5)`, "encodeURIComponent(s)"],
  "flat of nested arrays": ["const a = new Array(1000).fill(new Array(100).fill(1))", "a.flat()"],
  "Math.max of many": ["const a = new Array(5e4).fill(1)", "Math.max.apply(null, a)"],
  "a typed array's sort": ["const a = new Float64Array(2e5).map((_, n) => -n)", "a.slice().sort()"],
  structuredClone: ["const a = new Array(5e4).fill(1)", "structuredClone(a)"],
  "a digest": ["const b = new Uint8Array(1e6)", `await crypto.subtle.digest("SHA-512", b)`],
  base64: [`const s = "x".repeat(1e6)`, "atob(btoa(s))"],
  "text encoding": [
    `const s = "\\u4e2d".repeat(3e5)`,
    "new TextDecoder().decode(new TextEncoder().encode(s))",
  ],
  "a URL of a megabyte": [`const s = "https://a.b/" + "x/".repeat(2e4)`, "new URL(s).href"],
};

/** Single calls that nothing bounds: only ending the thread ends them. */
const ENDLESS: Record<string, string> = {
  "indexOf of something endless": "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 0)",
  "includes in something endless": "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 0)",
  "lastIndexOf of something endless":
    "Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 0)",
  "reverse of something endless": "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
  "forEach of something endless": "Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => 1)",
  "fill of something endless": "Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 0)",
  "copyWithin of something endless":
    "Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)",
  "flat of something endless": "Array.prototype.flat.call({ length: 2 ** 53 - 1 })",
  "join of nothing, endless": `Array.prototype.join.call({ length: 2 ** 53 - 1 }, "")`,
  "sort of something endless": "Array.prototype.sort.call({ length: 2 ** 53 - 1 })",
  "splice of something endless": "Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1)",
  "String.raw of something endless": "String.raw({ raw: { length: 2 ** 53 - 1 } })",
  "sort of long strings that are almost equal": `const s = "a".repeat(3e6), pair = [s + "a", s + "b"]; pair.map((x) => x.charCodeAt(5));
    Array.from({ length: 2e5 }, (_, n) => pair[n % 2]).sort()`,
  "search of a long string in a longer one": `("a".repeat(4e6) + "c").indexOf("a".repeat(2e6) + "b")`,
  "a big typed array's keys": "Object.keys(new Uint8Array(6e7)).length",
  "a wait for memory nobody changes":
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
};

const ENDED = either(
  failsWith("timeout"),
  failsWith("memory-exceeded"),
  throws("RangeError"),
  throws("TypeError"),
  throws("InternalError"),
  throws("ReferenceError"),
);

const PARTS = ["sandbox", "host call"];

export const unpolledNatives: Family = {
  name: "unpolled natives",
  vectors: [
    ...Object.entries(BOUNDED_BY_MEMORY).map(([name, [before, again]]): Vector => ({
      name: `${name}, again and again`,
      act: async ({ pool, terrain }) => {
        // The engine looks at its limits every 10,000 steps, of which each is a call here. Where no
        // thread can be ended only the memory keeps them short: a handful of them.
        const rounds = terrain.threaded ? "Infinity" : "5";
        const source = `${before}; for (let round = 0; round < ${rounds}; round++) { ${again}; } "done"`;
        const end = await pool.execute({ eval: source }, { timeoutMs: 60 });
        return end.ok ? end.value : end.error.code;
      },
      limits: { timeoutMs: 60 },
      expect: where(({ threaded }) =>
        threaded ? gives("timeout") : either(gives("done"), gives("timeout")),
      ),
      slow: true,
    })),
    ...Object.entries(ENDLESS).map(([name, script]): Vector => ({
      name,
      script,
      limits: { timeoutMs: 60, memoryBytes: 64 * 2 ** 20 },
      expect: ENDED,
      skip: needsThread,
      slow: true,
    })),
    ...PARTS.map((part): Vector => ({
      name: `a native that hangs while another run waits in the same worker for a ${part === "sandbox" ? "timer" : part}`,
      // Nothing the innocent run did could be seen outside, so that it is run again elsewhere;
      // one that has called the host is told what happened.
      act: async ({ pool, desk }) => {
        const innocent = pool.execute({
          eval:
            part === "sandbox"
              ? "await new Promise((done) => setTimeout(done, 200)); 'done'"
              : "await host.hold()",
        });
        if (part !== "sandbox") await desk.nextHeld();
        const guilty = await pool.execute(
          { eval: ENDLESS["indexOf of something endless"] as string },
          { timeoutMs: 60 },
        );
        const after = await innocent;
        return [
          guilty.ok ? "ok" : guilty.error.code,
          after.ok ? after.value : after.error.code,
          after.receipt.attempts > 1,
        ];
      },
      expect: givesWhat((ends) =>
        expect(ends).toEqual(
          part === "sandbox" ? ["timeout", "done", true] : ["timeout", "worker-lost", false],
        ),
      ),
      skip: needsThread,
      slow: true,
    })),
  ],
};
