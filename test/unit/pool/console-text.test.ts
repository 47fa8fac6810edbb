import { describe, expect, test } from "vitest";
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

  test("escapes what a terminal would obey", () => {
    expect(consoleText(["\u001b[2Jgone\u0007\r\n\tkept"])).toBe("\\x1b[2Jgone\\x07\\x0d\n\tkept");
  });

  test("is bounded in length, depth and entries", () => {
    expect(consoleText(["x".repeat(50_000)])).toHaveLength(10_001);
    expect(consoleText([[[[[[1]]]]]])).toBe("[ [ [ [Array] ] ] ]");
    expect(consoleText([Array.from({ length: 500 }, () => 1)])).toMatch(
      /\.\.\. 400 more items\n\]$/,
    );
  });
});
