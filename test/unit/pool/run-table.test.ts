import * as fc from "fast-check";
import { LIMITS } from "./limits-of-runs.ts";
import { describe, expect, it } from "vitest";
import { Run } from "../../../src/pool/run.ts";
import { RunTable } from "../../../src/pool/run-table.ts";

const MAXIMUM = 8;

function run(id: number, submittedAtMs = 0): Run {
  const args = { bytes: new Uint8Array(), buffers: [] };
  const target = { type: "function", name: "work", args } as const;
  return new Run(id, target, LIMITS, submittedAtMs);
}

describe("RunTable", () => {
  it("behaves like a map of as many runs as it is made for", () => {
    // Few ids that are far apart, so that many of them meet at the same place.
    const id = fc.integer({ min: 1, max: 12 }).map((number) => number * 5 + (number % 3) * 16);
    const steps = fc.array(fc.record({ id, adds: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (taken) => {
        const table = new RunTable(MAXIMUM);
        const model = new Map<number, Run>();
        for (const step of taken) {
          if (!step.adds) {
            table.delete(step.id);
            model.delete(step.id);
          } else if (!model.has(step.id) && model.size < MAXIMUM) {
            const added = run(step.id);
            table.add(added);
            model.set(step.id, added);
          }
          expect(table.size).toBe(model.size);
          expect(table.has(step.id)).toBe(model.has(step.id));
          for (const [key, value] of model) expect(table.get(key)).toBe(value);
        }
        expect(new Set(table.values())).toEqual(new Set(model.values()));
      }),
    );
  });

  it("lists its runs in the order they were submitted", () => {
    const table = new RunTable(MAXIMUM);
    for (const each of [run(9, 3), run(16, 1), run(2, 2), run(1, 2)]) table.add(each);
    expect(table.values().map(({ id }) => id)).toEqual([16, 1, 2, 9]);
  });

  it("is empty after it was cleared", () => {
    const table = new RunTable(1);
    table.add(run(2 ** 31 - 1));
    table.clear();
    expect(table.size).toBe(0);
    expect(table.get(2 ** 31 - 1)).toBeUndefined();
    expect(table.values()).toEqual([]);
  });
});
