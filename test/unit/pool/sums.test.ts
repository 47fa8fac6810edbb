import { describe, expect, test } from "vitest";
import { addRun, NamedSums } from "../../../src/pool/sums.ts";

const COST = {
  wallMs: 3,
  cpuMs: 2,
  gas: 5,
  peakMemoryBytes: 7,
  hostCalls: 1,
  bytesIn: 0,
  bytesOut: 0,
};

function run(sums: NamedSums, name: string, hasFailed = false): void {
  addRun(sums.of(name), hasFailed, COST, 10, 20);
}

describe("NamedSums", () => {
  test("adds up by name, whatever the name", () => {
    const sums = new NamedSums();
    for (const name of ["__proto__", "toString", "", "__proto__"]) run(sums, name);
    run(sums, "toString", true);
    const summary = sums.summary();
    expect(Object.keys(summary).sort()).toEqual(["", "__proto__", "toString"]);
    expect(Object.getPrototypeOf(summary)).toBe(null);
    expect(summary["constructor"]).toBe(undefined);
    expect(summary["toString"]).toEqual({
      runs: 2,
      failed: 1,
      wallMs: 6,
      cpuMs: 4,
      gas: 10,
      hostCalls: 2,
      bytesIn: 20,
      bytesOut: 40,
    });
    expect(summary["__proto__"]?.runs).toBe(2);
  });

  test("gives copies", () => {
    const sums = new NamedSums();
    run(sums, "a");
    const before = sums.summary();
    run(sums, "a");
    expect(before["a"]?.runs).toBe(1);
  });

  test("keeps those in use when strangers come by the thousand, and loses no run", () => {
    const sums = new NamedSums(10);
    for (let index = 0; index < 5_000; index++) {
      run(sums, `stranger ${index}`);
      run(sums, "regular");
    }
    const summary = sums.summary();
    expect(Object.keys(summary)).toHaveLength(10);
    expect(summary["regular"]?.runs).toBe(5_000);
    expect(sums.others.runs).toBe(5_000 - 9);
    expect(sums.others.bytesOut).toBe(20 * (5_000 - 9));
  });

  test("gives up the least recently used even when all are in use", () => {
    const sums = new NamedSums(3);
    for (const name of ["a", "b", "c", "a", "b", "c"]) run(sums, name);
    run(sums, "d");
    expect(Object.keys(sums.summary()).sort()).toEqual(["b", "c", "d"]);
    expect(sums.others.runs).toBe(2);
  });

  test("does not keep long names", () => {
    const sums = new NamedSums();
    run(sums, "x".repeat(200));
    run(sums, "x".repeat(201));
    expect(Object.keys(sums.summary())).toEqual(["x".repeat(200)]);
    expect(sums.others.runs).toBe(1);
  });
});
