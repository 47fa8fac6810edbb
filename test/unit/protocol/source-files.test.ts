import { describe, expect, test } from "vitest";
import { locationIn } from "../../../src/protocol/source-files.ts";

describe("a line of a stack", () => {
  test.each([
    ["    at add (add.js:2:15)", "add.js", 2, 15],
    ["    at <eval> (a b/c(d).js:2:6)", "a b/c(d).js", 2, 6],
    ["    at eval.js:2:9", "eval.js", 2, 9],
    ["    at f (./lib/a.js:10:1)", "./lib/a.js", 10, 1],
    ["    at f (https://x.org:8080/y.js:1:2)", "https://x.org:8080/y.js", 1, 2],
    ["    at f (:1:2)", "", 1, 2],
  ])("%s", (line, file, number, column) => {
    expect(locationIn(line)).toEqual({ file, line: number, column });
  });

  test.each([
    "",
    "    at map (native)",
    "    at URL",
    "Error: at x (y.js:1:2)",
    "    at f (y.js:1)",
  ])("%s tells of no place", (line) => {
    expect(locationIn(line)).toBe(undefined);
  });

  test("is read in a time that grows with its length alone", () => {
    const started = performance.now();
    for (const part of [" (", "1:", ":1", "at ", " "]) {
      expect(locationIn(`    at ${part.repeat(1_000_000)}`)?.column).not.toBe(0);
    }
    const file = "f".repeat(100_000);
    expect(locationIn(`    at g (${file}:3:4)`)).toEqual({ file, line: 3, column: 4 });
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
