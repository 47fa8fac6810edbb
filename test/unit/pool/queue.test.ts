import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Queue, type Queueable } from "../../../src/pool/queue.ts";

interface Item extends Queueable {
  name: string;
}

function item(name: string, priority = 0, key?: string): Item {
  return { name, priority, key, place: undefined };
}

function unbounded(): Queue<Item> {
  return new Queue<Item>({ max: 0, maxPerKey: 0 });
}

/** What is taken after these are pushed: `a1` belongs to the key `a`. */
function orderOf(queue: Queue<Item>): string {
  return queue
    .takeAll()
    .map(({ name }) => name)
    .join(" ");
}

function push(queue: Queue<Item>, names: string): void {
  for (const name of names.split(" ")) queue.push(item(name, 0, name[0]));
}

describe("Queue", () => {
  test("gives out by priority, then in order of arrival", () => {
    const queue = unbounded();
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
    const bounded = new Queue<Item>({ max: 1, maxPerKey: 0 });
    expect(bounded.isFull).toBe(false);
    bounded.push(item("a"));
    expect(bounded.isFull).toBe(true);
    const endless = unbounded();
    endless.push(item("a"));
    expect(endless.isFull).toBe(false);
    expect(endless.isFullFor(undefined)).toBe(false);
  });

  test("counts what waits of a key, whatever its priority", () => {
    const queue = new Queue<Item>({ max: 0, maxPerKey: 2 });
    const low = item("a1", -1, "a");
    queue.push(low);
    queue.pushFront(item("a2", 3, "a"));
    queue.push(item("b1", 0, "b"));
    expect([queue.isFullFor("a"), queue.isFullFor("b"), queue.isFullFor(undefined)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(queue.remove(low)).toBe(true);
    expect(queue.isFullFor("a")).toBe(false);
    queue.takeAll();
    expect(queue.isFullFor("b")).toBe(false);
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
        const queue = unbounded();
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

  test("keys take turns, each in its own order", () => {
    const queue = unbounded();
    push(queue, "a1 a2 a3 a4 b1 b2 c1");
    expect(orderOf(queue)).toBe("a1 b1 c1 a2 b2 a3 a4");
  });

  test("who comes new does not wait for the next of somebody who was served already", () => {
    const queue = unbounded();
    push(queue, "a1 a2 a3");
    expect(queue.take()?.name).toBe("a1");
    push(queue, "b1");
    expect(orderOf(queue)).toBe("b1 a2 a3");
  });

  test("coming back one at a time is no way to jump ahead", () => {
    const queue = unbounded();
    push(queue, "a1 a2 a3 a4 b1");
    const order: string[] = [];
    for (let round = 2; queue.size > 0; round++) {
      const { name } = queue.take() as Item;
      order.push(name);
      if (name.startsWith("b") && round < 9) push(queue, `b${round}`);
    }
    // In every two, one is of the other.
    expect(order.slice(0, 8).filter((name) => name.startsWith("a"))).toEqual([
      "a1",
      "a2",
      "a3",
      "a4",
    ]);
    const left = unbounded();
    push(left, "a1 a2 b1 b2");
    left.take();
    const second = left.peek() as Item;
    expect(second.name).toBe("b1");
    left.take();
    const again = item("b3", 0, "b");
    left.remove(left.items().find(({ name }) => name === "b2") as Item);
    left.push(again);
    expect(orderOf(left)).toBe("a2 b3");
  });

  test("ever new keys do not keep those out who wait for their next turn", () => {
    const queue = unbounded();
    push(queue, "a1 a2");
    queue.take();
    let taken = 0;
    for (let index = 0; ; index++) {
      queue.push(item(`new${index}`, 0, `new${index}`));
      if (queue.take()?.name === "a2") break;
      expect(++taken).toBeLessThan(1_100);
    }
    expect(queue.size).toBe(1);
  });

  test("what was put in front goes before everybody's turn", () => {
    const queue = unbounded();
    push(queue, "a1 b1");
    queue.pushFront(item("c1", 0, "c"));
    queue.pushFront(item("a0", 0, "a"));
    expect(orderOf(queue)).toBe("a0 c1 a1 b1");
  });

  test("between two turns of a key nobody else has more than one turn, whatever happens", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.constantFrom("a", "b", "c", "d") }) },
      { weight: 2, arbitrary: fc.constant("take" as const) },
      { weight: 1, arbitrary: fc.record({ remove: fc.nat(20) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const queue = unbounded();
        const waiting = new Map<string, Item[]>();
        /** Turns of others since a key that waits was served last, or began to wait. */
        const overtaken = new Map<string, Map<string, number>>();
        function forget({ key }: Queueable, from: Item): void {
          const list = waiting.get(key as string) as Item[];
          list.splice(list.indexOf(from), 1);
          if (list.length > 0) return;
          waiting.delete(key as string);
          overtaken.delete(key as string);
        }
        for (const [index, step] of operations.entries()) {
          if (step === "take") {
            const due = queue.peek();
            const taken = queue.take();
            expect(taken).toBe(due);
            if (taken === undefined) {
              expect(waiting.size).toBe(0);
              continue;
            }
            const { key } = taken as { key: string };
            expect(waiting.get(key)?.[0]).toBe(taken);
            overtaken.set(key, new Map());
            forget(taken, taken);
            for (const [other, turns] of overtaken) {
              if (other === key) continue;
              turns.set(key, (turns.get(key) ?? 0) + 1);
              // Two only where the first belonged to the round that was going on.
              expect(turns.get(key)).toBeLessThanOrEqual(2);
            }
          } else if ("push" in step) {
            const added = item(String(index), 0, step.push);
            queue.push(added);
            const list = waiting.get(step.push) ?? [];
            waiting.set(step.push, [...list, added]);
            if (list.length === 0) overtaken.set(step.push, new Map());
          } else {
            const all = [...waiting.values()].flat();
            const victim = all[step.remove];
            expect(queue.remove(victim ?? item("stranger"))).toBe(victim !== undefined);
            if (victim !== undefined) forget(victim, victim);
          }
          expect(queue.size).toBe([...waiting.values()].flat().length);
          expect(new Set(queue.items())).toEqual(new Set([...waiting.values()].flat()));
        }
      }),
    );
  });
});
