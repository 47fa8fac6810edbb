/** Values as text, with Node's own `util.inspect` for comparison. */
import { inspect as nodeInspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inspect } from "../../../src/pool/inspect.ts";

/** What can cross the wall, apart from objects that Node names by more than their data. */
const DATA = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withBoxedValues: true,
  maxDepth: 5,
  maxKeys: 8,
  values: [
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom(
      "it's",
      'it\'s "quoted"',
      "`${'",
      "line\nbreak",
      "tab\tand\u001b",
      "日本語",
      "😀",
    ),
    fc.string({ minLength: 60, maxLength: 120 }),
    fc.lorem().map((text) => text.replaceAll(" ", "\n")),
    fc.integer(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.constantFrom(undefined, null, true, -0, /a\/b/g, Infinity),
  ],
});

const LISTS = fc.oneof(
  fc.array(fc.integer(), { minLength: 7, maxLength: 130 }),
  fc.array(fc.double(), { minLength: 7, maxLength: 40 }),
  fc.array(fc.string({ maxLength: 12 }), { minLength: 7, maxLength: 130 }),
  fc.array(fc.oneof(fc.string({ maxLength: 5 }), fc.nat(), fc.constant({ a: 1 })), {
    minLength: 7,
  }),
  fc.array(fc.bigInt({ min: -1000n, max: 1000n }), { minLength: 7, maxLength: 130 }),
  fc.array(fc.constantFrom("日本", "語", "a", "é", "e\u0301"), { minLength: 7, maxLength: 30 }),
);

describe("inspect", () => {
  test("is as Node's", () => {
    fc.assert(
      fc.property(fc.oneof(DATA, LISTS, fc.array(LISTS), fc.record({ key: LISTS })), (value) => {
        const expected = nodeInspect(value, { depth: 2 });
        // Longer ones are cut.
        fc.pre(expected.length < 9_000 && !expected.includes("null prototype"));
        expect(inspect(value, 2)).toBe(expected);
      }),
      { numRuns: 1_500 },
    );
  });

  test("numbers what contains itself", () => {
    const one: Record<string, unknown> = { name: "one" };
    const two = { one, map: new Map<unknown, unknown>(), list: [one] };
    one["two"] = two;
    two.map.set("two", two);
    expect(inspect(two, 5)).toBe(nodeInspect(two, { depth: 5 }));
    expect(inspect([one, two], 5)).toBe(nodeInspect([one, two], { depth: 5 }));
  });

  test("shows causes below their errors", () => {
    const frames = "    at f (a.js:1:2)";
    const error = new TypeError("outer", { cause: { why: ["x"] } });
    error.stack = frames;
    expect(inspect(error, 2)).toBe(`TypeError: outer\n${frames} {\n  [cause]: { why: [ 'x' ] }\n}`);
    expect(inspect({ error }, 3)).toBe(
      `{\n  error: TypeError: outer\n      at f (a.js:1:2) {\n    [cause]: { why: [ 'x' ] }\n  }\n}`,
    );
  });

  test("is bounded", () => {
    const wide = Array.from({ length: 90 }, () => Array.from({ length: 90 }, () => "x".repeat(50)));
    expect(inspect(wide, 2).length).toBeLessThan(40_000);
    const sparse: number[] = [];
    sparse.length = 4_000_000_000;
    sparse[5] = 1;
    expect(inspect(sparse, 2)).toBe("[ <5 empty items>, 1, <3999999994 empty items> ]");
    let deep: unknown = 1;
    for (let level = 0; level < 100; level++) deep = [deep];
    expect(inspect(deep, Number.POSITIVE_INFINITY)).toContain("[Array]");
  });
});
