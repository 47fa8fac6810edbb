import { describe, expect, it } from "vitest";
import { parseCount, parseDuration, parseSize } from "../../../src/cli/quantities.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";

describe("durations", () => {
  it.each([
    ["500ms", 500],
    ["2s", 2_000],
    ["1.5s", 1_500],
    ["1m", 60_000],
    ["1h", 3_600_000],
  ])("%s", (text, ms) => expect(parseDuration("--timeout", text)).toBe(ms));

  it.each([
    "500",
    "",
    "ms",
    "-1s",
    "0s",
    "0.5ms",
    "1e3ms",
    "1 s",
    "1S",
    "1s ",
    "NaNs",
    "1constructor",
  ])("%j is none", (text) => expect(() => parseDuration("--timeout", text)).toThrow(UsageError));

  it("says which option, what it should be and what it was", () => {
    expect(() => parseDuration("--timeout", "5")).toThrow(
      '--timeout must be a duration such as 500ms, 2s or 1m, not "5".',
    );
  });
});

describe("sizes", () => {
  it.each([
    ["100b", 100],
    ["64kb", 65_536],
    ["32mb", 33_554_432],
    ["32MB", 33_554_432],
    ["0.5gb", 536_870_912],
  ])("%s", (text, bytes) => expect(parseSize("--memory", text)).toBe(bytes));

  it.each(["32", "32m", "mb", "1.5b", "-1mb", "0mb", "∞mb"])("%j is none", (text) =>
    expect(() => parseSize("--memory", text)).toThrow(UsageError),
  );
});

it("counts", () => {
  expect(parseCount("--workers", "4", 1, 8)).toBe(4);
  for (const text of ["0", "9", "-1", "1.5", "four", "", "1e1", "0x2"]) {
    expect(() => parseCount("--workers", text, 1, 8)).toThrow("from 1 to 8");
  }
});
