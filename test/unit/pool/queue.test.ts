import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Queue } from "../../../src/pool/queue.ts";

interface Item {
  priority: number;
  key: undefined;
  name: string;
}

function item(name: string, priority = 0): Item {
  return { name, priority, key: undefined };
}

describe("Queue", () => {
  test("gives out by priority, then in order of arrival", () => {
    const queue = new Queue<Item>(0);
    for (const [name, priority] of [
      ["a", 0],
      ["b", 5],
      ["c", 0],
      ["d", -1],
      ["e", 5],
    ] as const) {
      queue.push(item(name, priority));
    }
    expect(queue.takeAll().map(({ name }) => name)).toEqual(["b", "e", "a", "c", "d"]);
    expect(queue.take()).toBeUndefined();
  });

  test("is full at its bound, and never at 0", () => {
    const bounded = new Queue<Item>(1);
    expect(bounded.isFull).toBe(false);
    bounded.push(item("a"));
    expect(bounded.isFull).toBe(true);
    const unbounded = new Queue<Item>(0);
    unbounded.push(item("a"));
    expect(unbounded.isFull).toBe(false);
  });

  test("behaves like a list sorted by priority, whatever happens to it", () => {
    const operation = fc.oneof(
      fc.record({
        type: fc.constantFrom("push" as const, "pushFront" as const),
        priority: fc.integer({ min: -2, max: 2 }),
      }),
      fc.record({ type: fc.constant("take" as const) }),
      fc.record({ type: fc.constant("remove" as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new Queue<Item>(0);
        const model: Item[] = [];
        for (const [index, step] of operations.entries()) {
          if (step.type === "push" || step.type === "pushFront") {
            const added = item(String(index), step.priority);
            queue[step.type](added);
            const position = model.findIndex(({ priority }) =>
              step.type === "push" ? priority < step.priority : priority <= step.priority,
            );
            model.splice(position < 0 ? model.length : position, 0, added);
          } else if (step.type === "take") {
            expect(queue.take()).toBe(model.shift());
          } else if (step.type === "remove") {
            const victim = model[step.at] ?? item("stranger");
            expect(queue.remove(victim)).toBe(model.includes(victim));
            if (model.includes(victim)) model.splice(model.indexOf(victim), 1);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.peek()).toBe(model[0]);
        }
        expect(queue.takeAll()).toEqual(model);
      }),
    );
  });
});
