import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram } from "../../../src/pool/statistics.ts";

describe("Histogram", () => {
  test("is all zero while empty", () => {
    const empty = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
    expect(new Histogram().summary()).toEqual(empty);
  });

  test("percentiles are within a tenth of the truth", () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(durations, (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((left, right) => left - right);
        const summary = histogram.summary();
        for (const [share, found] of [
          [0.5, summary.p50],
          [0.95, summary.p95],
          [0.99, summary.p99],
        ] as const) {
          const truth = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
          expect(Math.abs(found - truth)).toBeLessThanOrEqual(truth * 0.1);
        }
        expect(summary.max).toBe(sorted.at(-1));
        expect(summary.count).toBe(values.length);
      }),
    );
  });

  test("takes durations beyond its range", () => {
    const histogram = new Histogram();
    histogram.add(0);
    histogram.add(1e12);
    expect(histogram.summary().count).toBe(2);
  });
});
