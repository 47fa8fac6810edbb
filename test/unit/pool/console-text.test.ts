import { describe, expect, test } from "vitest";
import { Description } from "../../../src/protocol/values/description.ts";
import { consoleText } from "../../../src/pool/console-text.ts";

describe("consoleText", () => {
  test("shows values as a console would", () => {
    const cyclic: Record<string, unknown> = { name: "ring" };
    cyclic["self"] = cyclic;
    expect(consoleText(["a", 1, -0, 2n, null, undefined, true])).toBe(
      "a 1 -0 2n null undefined true",
    );
    expect(consoleText([{ a: [1, "x"], "b c": new Map([[1, new Set(["y"])]]) }])).toBe(
      "{ a: [ 1, 'x' ], 'b c': Map(1) { 1 => Set(1) { 'y' } } }",
    );
    expect(consoleText([cyclic])).toBe("<ref *1> { name: 'ring', self: [Circular *1] }");
    expect(consoleText([new Uint8Array([1, 2]), new ArrayBuffer(3)])).toBe(
      "Uint8Array(2) [ 1, 2 ] ArrayBuffer { [Uint8Contents]: <00 00 00>, byteLength: 3 }",
    );
    expect(consoleText([new Date(0), new Date(Number.NaN), /x/g])).toBe(
      "1970-01-01T00:00:00.000Z Invalid Date /x/g",
    );
  });

  test("converts what the specifiers for numbers are given", () => {
    expect(consoleText(["%d %d %d", [5], new Date(7), {}])).toBe("5 7 NaN");
    expect(consoleText(["%i %i %f", [5.5], "7px", null])).toBe("5 7 NaN");
    expect(consoleText(["%d %i %f", 5n, 6n, { toString: 1, valueOf: 1 }])).toBe("5n 6n NaN");
  });

  test("shows what could not cross by its description, without quotes", () => {
    const described = new Description("[Function: f]");
    expect(consoleText([described, [described], "%s"])).toBe("[Function: f] [ [Function: f] ] %s");
    expect(consoleText(["%s %d %j", described, described, { a: described, b: 1 }])).toBe(
      '[Function: f] NaN {"b":1}',
    );
    expect(consoleText([[described, { a: described }]], "table")).toBe(
      [
        "┌─────────┬───────────────┬───────────────┐",
        "│ (index) │ a             │ Values        │",
        "├─────────┼───────────────┼───────────────┤",
        "│ 0       │               │ [Function: f] │",
        "│ 1       │ [Function: f] │               │",
        "└─────────┴───────────────┴───────────────┘",
      ].join("\n"),
    );
  });

  test("escapes what a terminal would obey", () => {
    expect(consoleText(["\u001b[2Jgone\u0007\r\n\tkept"])).toBe("\\x1B[2Jgone\\x07\\r\n\tkept");
  });

  test("is bounded in length, depth and entries", () => {
    expect(consoleText(["x".repeat(50_000)])).toHaveLength(10_001);
    expect(consoleText([[[[[[1]]]]]])).toBe("[ [ [ [Array] ] ] ]");
    expect(consoleText([Array.from({ length: 500 }, () => 1)])).toMatch(
      /\.\.\. 400 more items\n\]$/,
    );
  });
});
