import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseCandidate } from "../../../src/pool/scheduler.ts";

function candidates(...loads: number[]): { inFlightCount: number }[] {
  return loads.map((inFlightCount) => ({ inFlightCount }));
}

describe("chooseCandidate", () => {
  test("takes the least loaded", () => {
    expect(chooseCandidate(candidates(3, 1, 2), 0)).toEqual({ index: 1, cursor: 2 });
  });

  test("lets equals take turns", () => {
    const equals = candidates(1, 1, 1);
    const order: number[] = [];
    let cursor = 0;
    for (let round = 0; round < 5; round++) {
      const choice = chooseCandidate(equals, cursor);
      if (choice === undefined) throw new Error("Nothing was chosen.");
      order.push(choice.index);
      cursor = choice.cursor;
    }
    expect(order).toEqual([0, 1, 2, 0, 1]);
  });

  test("takes nothing from nobody, and a cursor beyond the end wraps around", () => {
    expect(chooseCandidate([], 4)).toBeUndefined();
    expect(chooseCandidate(candidates(1, 1), 5)).toEqual({ index: 1, cursor: 0 });
  });

  test("the choice has the minimum, and is the first such from the cursor on", () => {
    const loads = fc.array(fc.nat(4), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(loads, fc.nat(20), (values, cursor) => {
        const choice = chooseCandidate(candidates(...values), cursor);
        const least = Math.min(...values);
        const order = values.map((_, step) => (cursor + step) % values.length);
        expect(choice?.index).toBe(order.find((index) => values[index] === least));
        expect(choice?.cursor).toBe(((choice?.index ?? 0) + 1) % values.length);
      }),
    );
  });
});
