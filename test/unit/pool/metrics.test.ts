import fc from "fast-check";
import { expect, test } from "vitest";
import { metricsText } from "../../../src/pool/metrics.ts";
import { Histogram, type PoolStatistics } from "../../../src/pool/statistics.ts";
import { addRun, NamedSums, noSums } from "../../../src/pool/sums.ts";
import { type Exposition, parseExposition } from "../../contracts/exposition.ts";

const COST = {
  wallMs: 1_500,
  cpuMs: 250,
  gas: 5,
  peakMemoryBytes: 7,
  hostCalls: 1,
  bytesIn: 0,
  bytesOut: 0,
};

function textOf(change: Partial<PoolStatistics>, runMs = new Histogram()): string {
  const none = new Histogram();
  const statistics: PoolStatistics = {
    workers: { total: 3, ready: 2, starting: 0, degraded: 1, restarting: 0, stopped: 0 },
    sessions: { active: 2, hibernated: 3 },
    queued: 4,
    inFlight: 5,
    completed: 6,
    failed: 7,
    refused: 8,
    waitMs: none.summary(),
    runMs: runMs.summary(),
    restarts: 9,
    errors: { timeout: 7 },
    functions: {},
    otherFunctions: noSums(),
    evaluations: noSums(),
    keys: {},
    otherKeys: noSums(),
    ...change,
  };
  return metricsText({ statistics, health: [], waitMs: none, runMs });
}

function sumsOf(names: readonly string[]): PoolStatistics["keys"] {
  const sums = new NamedSums();
  for (const name of names) addRun(sums.of(name), false, COST, 10, 20);
  return sums.summary();
}

test("tells what the statistics do", () => {
  const found = parseExposition(textOf({ functions: sumsOf(["add", "add"]) }));
  expect(found.value("skep_workers", { state: "degraded" })).toBe(1);
  expect(found.value("skep_workers", { state: "total" })).toBe(undefined);
  expect(found.value("skep_runs_queued", {})).toBe(4);
  expect(found.value("skep_runs_in_flight", {})).toBe(5);
  expect(found.value("skep_sessions", { state: "active" })).toBe(2);
  expect(found.value("skep_sessions", { state: "hibernated" })).toBe(3);
  expect(found.value("skep_worker_restarts_total", {})).toBe(9);
  expect(found.value("skep_run_errors_total", { code: "timeout" })).toBe(7);
  expect(found.value("skep_function_wall_seconds_total", { function: "add" })).toBe(3);
  expect(found.value("skep_function_in_bytes_total", { function: "add" })).toBe(20);
});

test("can be read whatever keys are called", () => {
  const names = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 20 });
  const nasty = fc.array(fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", ",", "}", "é") }));
  fc.assert(
    fc.property(fc.oneof(names, nasty), (keys) => {
      const found = parseExposition(textOf({ keys: sumsOf(keys) }));
      for (const key of keys) {
        const runs = found.value("skep_key_runs_total", { key, outcome: "completed" });
        expect(runs).toBe(keys.filter((other) => other === key).length);
      }
    }),
  );
});

test("adds up keys that are the same in UTF-8", () => {
  const found = parseExposition(textOf({ keys: sumsOf(["\ud800", "\udfff", "\ufffd"]) }));
  expect(found.value("skep_key_runs_total", { key: "\ufffd", outcome: "completed" })).toBe(3);
});

test("has histograms whose buckets include their bounds", () => {
  const durations = fc.array(
    fc.oneof(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.integer({ min: 0, max: 30 }).map((octave) => 2 ** octave / 1_000),
    ),
  );
  fc.assert(
    fc.property(durations, (values) => {
      const runMs = new Histogram();
      for (const value of values) runMs.add(value);
      const found: Exposition = parseExposition(textOf({}, runMs));
      for (let octave = 6; octave <= 26; octave++) {
        const count = found.value("skep_run_duration_seconds_bucket", {
          le: String(2 ** octave / 1e6),
        });
        expect(count).toBe(values.filter((value) => value * 1_000 <= 2 ** octave).length);
      }
      expect(found.value("skep_run_duration_seconds_count", {})).toBe(values.length);
    }),
  );
});

test.each([
  ["a missing last line feed", (text: string) => text.slice(0, -1)],
  ["a series that comes twice", (text: string) => text.replace('"failed"} 7', '"completed"} 7')],
  [
    "a histogram that goes down",
    (text: string) => text.replace('le="0.000064"} 0', 'le="0.000064"} 1'),
  ],
  ["an escape that is none", (text: string) => text.replace('"timeout"', '"time\\out"')],
  ["a counter without _total", (text: string) => text.replaceAll("skep_runs_total", "skep_runs")],
])("the reader of these tests refuses %s", (_, damage) => {
  const text = textOf({});
  expect(damage(text)).not.toBe(text);
  expect(() => parseExposition(damage(text))).toThrow();
});
