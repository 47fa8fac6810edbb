import { describe, expect, test } from "vitest";
import { restartDelayMs } from "../../../src/pool/backoff.ts";

const options = { baseDelayMs: 100, maxDelayMs: 5_000, jitterMs: 100 };

describe("restartDelayMs", () => {
  test("doubles up to the cap", () => {
    const delays = [1, 2, 3, 6, 7, 50].map((attempt) => restartDelayMs(attempt, options, () => 0));
    expect(delays).toEqual([100, 200, 400, 3_200, 5_000, 5_000]);
  });

  test("adds jitter, at the cap as well", () => {
    const almostOne = () => 0.999_999;
    expect(restartDelayMs(1, options, almostOne)).toBe(200);
    expect(restartDelayMs(50, options, almostOne)).toBe(5_100);
    expect(restartDelayMs(1, { ...options, jitterMs: 0 }, almostOne)).toBe(100);
  });
});
