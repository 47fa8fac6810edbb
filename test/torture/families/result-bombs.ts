import { expect } from "vitest";
import { both, either, failsWith, gives, givesWhat, where } from "../expectations.ts";
import { type Expectation, type Family, scripts } from "../vector.ts";

const tooMuch = failsWith("output-exceeded", /^result/);
/** What the platform's own expressions, buffers and the like cannot be is refused like a function. */
const refused = failsWith("not-marshallable");
const nested = (depth: number, wrap: string): string =>
  `let v = 1; for (let i = 0; i < ${depth}; i++) v = ${wrap}; v`;
const thrown = (look: (error: Error & { data: object }) => void): Expectation =>
  both(failsWith("guest-error", /(?:)/), (outcome) => {
    if (!outcome.ok) look(outcome.error as never);
  });

const ROOM = { memoryBytes: 256 * 2 ** 20 };

export const resultBombs: Family = {
  name: "result bombs",
  slow: [
    "a hundred thousand keys",
    "a hundred thousand empty objects",
    "one text a hundred times",
    "one long name many times",
    "one long name in sparse arrays",
  ],
  vectors: [
    ...scripts([
      ["arrays a hundred thousand deep", nested(1e5, "[v]"), tooMuch],
      ["objects deep", nested(1e4, "({ v })"), tooMuch],
      ["Maps deep in their values", nested(1e4, "new Map([[1, v]])"), tooMuch],
      ["Maps deep in their keys", nested(1e4, "new Map([[v, 1]])"), tooMuch],
      ["Sets deep", nested(1e4, "new Set([v])"), tooMuch],
      ["causes deep", nested(1e4, `new Error("x", { cause: v })`), tooMuch],
      ["sparse arrays deep", nested(1e4, "((a) => (a[3] = v, a))([])"), tooMuch],
      [
        "499 levels, which are allowed",
        nested(499, "[v]"),
        givesWhat((v) => expect(v).toHaveLength(1)),
      ],
      [
        "a cycle",
        `const o = { list: [] }; o.list.push(o, o); o`,
        givesWhat((o: { list: unknown[] }) => expect(o.list[0]).toBe(o)),
      ],
      [
        "a cycle through a Map, a Set and an error",
        `const m = new Map(), s = new Set([m]), e = new Error("x", { cause: s }); m.set(m, e); m`,
        givesWhat((m: Map<unknown, Error>) =>
          expect((m.get(m) as Error & { cause: Set<unknown> }).cause.has(m)).toBe(true),
        ),
      ],
      [
        "a thousand million laughs by reference",
        `let v = ["ha"]; for (let i = 0; i < 100; i++) v = [v, v, v, v]; v`,
        givesWhat((v: unknown[]) => expect(v[0]).toBe(v[3])),
      ],
      [
        "the longest sparse array",
        `const a = []; a.length = 2 ** 32 - 1; a`,
        givesWhat((a) => expect(a).toHaveLength(2 ** 32 - 1)),
      ],
      [
        "a sparse array with something at its end",
        `const a = []; a[2 ** 32 - 2] = 1; a`,
        givesWhat((a: number[]) => expect(a[2 ** 32 - 2]).toBe(1)),
      ],
      [
        "a hundred thousand keys",
        `const o = {}; for (let i = 0; i < 1e5; i++) o["k" + i] = i; o`,
        givesWhat((o: object) => expect(Object.keys(o)).toHaveLength(1e5)),
      ],
      [
        "a hundred thousand entries",
        `new Map(Array.from({ length: 5e4 }, (_, n) => [n, n]))`,
        givesWhat((m) => expect(m).toHaveProperty("size", 5e4)),
      ],
      [
        "a hundred thousand empty objects",
        `Array.from({ length: 1e5 }, () => ({}))`,
        givesWhat((a) => expect(a).toHaveLength(1e5)),
      ],
      [
        "a text that is one piece a hundred times over",
        `let s = "x".repeat(2 ** 20); for (let i = 0; i < 9; i++) s += s; s`,
        tooMuch,
      ],
      ["one text a hundred times", `new Array(100).fill("x".repeat(2 ** 20))`, tooMuch],
      ["one wide text fifty times", `new Array(50).fill("\\u4e2d".repeat(2 ** 20))`, tooMuch],
      [
        "one long name many times",
        `const name = "n".repeat(2 ** 20); Array.from({ length: 100 }, (_, n) => Object.assign([1], { [name]: 1 }))`,
        tooMuch,
      ],
      [
        "one long name in sparse arrays",
        `const name = "n".repeat(2 ** 20); Array.from({ length: 100 }, (_, n) => { const a = [, 1]; a[name] = 1; return a; })`,
        tooMuch,
      ],
      ["one BigInt a thousand times", `new Array(1000).fill(2n ** 1000000n)`, tooMuch],
      ["a BigInt of a million bits", `2n ** 1000000n`, gives(2n ** 1000000n)],
      [
        "a buffer that could grow to a terabyte",
        `new ArrayBuffer(8, { maxByteLength: 2 ** 40 })`,
        either(failsWith("guest-error"), refused, tooMuch, failsWith("memory-exceeded")),
      ],
      [
        "a buffer that could grow to two gigabytes",
        `new ArrayBuffer(8, { maxByteLength: 2 ** 31 - 1 })`,
        either(
          failsWith("guest-error"),
          refused,
          tooMuch,
          failsWith("memory-exceeded"),
          givesWhat((b: ArrayBuffer) => expect(b.byteLength).toBe(8)),
        ),
      ],
      [
        "many buffers that could grow",
        `Array.from({ length: 2000 }, () => new ArrayBuffer(0, { maxByteLength: 2 ** 30 }))`,
        either(
          failsWith("guest-error"),
          refused,
          tooMuch,
          failsWith("memory-exceeded"),
          givesWhat((all) => expect(all).toHaveLength(2000)),
        ),
      ],
      [
        "an expression of a million letters",
        `new RegExp("a".repeat(1e6))`,
        either(
          givesWhat((e) => expect(e).toBeInstanceOf(RegExp)),
          refused,
        ),
      ],
      [
        "an expression of ten thousand groups",
        `new RegExp("(?:".repeat(1000) + ")".repeat(1000))`,
        either(
          givesWhat((e) => expect(e).toBeInstanceOf(RegExp)),
          refused,
          failsWith("stack-exceeded"),
        ),
      ],
      [
        "an expression of the largest counts",
        `/(?:(?:(?:a{1000}){1000}){1000}){1000}/`,
        either(
          givesWhat((e) => expect(e).toBeInstanceOf(RegExp)),
          refused,
        ),
      ],
      [
        "an expression with one name twice, which not every platform knows",
        `/(?<a>.)|(?<a>.)/`,
        either(
          givesWhat((e) => expect(e).toBeInstanceOf(RegExp)),
          refused,
        ),
      ],
      [
        "an expression with modifiers, which not every platform knows",
        `/(?i:a)/`,
        either(
          givesWhat((e) => expect(e).toBeInstanceOf(RegExp)),
          refused,
        ),
      ],
      [
        "such an expression thrown",
        `throw Object.assign(new Error("x"), { one: /(?<a>.)|(?<a>.)/, two: /(?i:a)/ })`,
        either(failsWith("guest-error"), refused),
      ],
      [
        "such an expression for a host function",
        `await host.one(/(?<a>.)|(?<a>.)/).then(() => 1, () => 1)`,
        gives(1),
      ],
      [
        "expressions that other engines may not know",
        `[/(?<a>.)|(?<a>.)/, /(?i:a)/, /[\\p{L}--a]/v].length`,
        either(gives(3), failsWith("guest-error")),
      ],
      [
        "an expression whose source was changed by compile",
        `/a/.compile("(b)", "g")`,
        either(gives(/(b)/g), refused, failsWith("guest-error")),
      ],
      [
        "a date beyond all dates",
        `[new Date(NaN), new Date(8.64e15), new Date(-1, 0)]`,
        givesWhat((dates: Date[]) => expect(dates.map(Number)[1]).toBe(8.64e15)),
      ],
      [
        "an error with a giant message, name and stack",
        `const e = new Error("m".repeat(1e6)); e.name = "n".repeat(1e6); e.stack = "s".repeat(1e6); e`,
        givesWhat((e: Error) =>
          expect(
            [e.message.length, e.name.length, e.stack?.length].every((n) => (n ?? 0) <= 16_384),
          ).toBe(true),
        ),
      ],
      [
        "a thrown error with a giant message, name and stack",
        `const e = new Error("m".repeat(1e6)); e.name = "n".repeat(1e6); e.stack = "s".repeat(1e6); throw e`,
        thrown((e) =>
          expect(
            [e.message.length, e.name.length, e.stack?.length].every((n) => (n ?? 0) <= 16_384),
          ).toBe(true),
        ),
      ],
      [
        "a thrown text of megabytes",
        `throw "x".repeat(4e6)`,
        thrown((e) => expect(e.message.length).toBeLessThanOrEqual(16_384)),
      ],
      [
        "a thrown error with a hundred thousand properties",
        `const e = new Error("x"); for (let i = 0; i < 5e4; i++) e["k" + i] = i; throw e`,
        thrown((e) => expect(Object.keys(e.data).length).toBeLessThan(10_000)),
      ],
      [
        "a thrown error with a giant property",
        `throw Object.assign(new Error("x"), { big: "y".repeat(1e6), small: 1 })`,
        thrown((e) => expect(e.data).toMatchObject({ small: 1 })),
      ],
      [
        "a thrown error with deep data",
        `let v = 1; for (let i = 0; i < 1e5; i++) v = [v]; throw Object.assign(new Error("x"), { v })`,
        thrown((e) => expect(e.message).toBe("x")),
      ],
      [
        "thrown causes without an end",
        `let e = new Error("x"); for (let i = 0; i < 1e4; i++) e = new Error("y", { cause: e }); throw e`,
        thrown((e) => expect(e.message).toBe("y")),
      ],
      [
        "a thrown cycle",
        `const e = new Error("x"); e.cause = e; e.self = { e }; throw e`,
        thrown((e) => expect(e.message).toBe("x")),
      ],
      [
        "a thrown array with a giant length",
        `const a = []; a.length = 2 ** 32 - 1; throw a`,
        thrown((e) => expect(e.data).toHaveProperty("value")),
      ],
      [
        "a rejection with all the memory",
        `Promise.reject(new Uint8Array(8 * 2 ** 20))`,
        thrown((e) => expect(e.data).toEqual({ value: "[too large]" })),
      ],
      [
        "an error of many aggregated",
        `throw new AggregateError(Array.from({ length: 1e4 }, () => new Error("inner")), "x")`,
        thrown((e) => expect(e.message).toBe("x")),
      ],
    ]),
    ...scripts(
      [
        ["a buffer larger than allowed", `new Uint8Array(70 * 2 ** 20)`, tooMuch],
        ["a text larger than allowed", `"x".repeat(70 * 2 ** 20)`, tooMuch],
      ],
      { limits: ROOM, slow: true },
    ),
    ...scripts(
      [
        [
          "eight million doubles, which take more than allowed",
          `new Array(8e6).fill(0.5)`,
          tooMuch,
        ],
        [
          "twelve million small numbers, which take more than allowed",
          `new Array(12e6).fill(2 ** 30)`,
          // A page in Chromium is not always lent so much memory at once, whatever the limit is.
          where(({ node }) => (node ? tooMuch : either(tooMuch, failsWith("memory-exceeded")))),
        ],
      ],
      {
        limits: ROOM,
        slow: true,
      },
    ),
    {
      name: "sixteen megabytes that are allowed",
      script: `new Uint8Array(12 * 2 ** 20).fill(7)`,
      expect: givesWhat((bytes: Uint8Array) =>
        expect([bytes.length, bytes[5]]).toEqual([12 * 2 ** 20, 7]),
      ),
    },
    {
      name: "a module with ten thousand exports",
      module: Array.from({ length: 2000 }, (_, n) => `export const x${n} = ${n};`).join(""),
      expect: givesWhat((names: object) => expect(Object.keys(names)).toHaveLength(2000)),
    },
  ],
};
