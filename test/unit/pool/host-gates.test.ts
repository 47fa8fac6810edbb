import { describe, expect, test } from "vitest";
import { HostGates, type Leave } from "../../../src/pool/host-gates.ts";

/** Calls of one function with a fixed number of places. */
class Calls {
  readonly gates = new HostGates();
  readonly entered: string[] = [];
  readonly leaves = new Map<string, Leave>();
  readonly givingUp = new Map<string, () => void>();

  constructor(public places: number) {}

  async enter(name: string, turn: object | string = {}): Promise<boolean> {
    const leave = await this.gates.enter("fn", this.places, turn, (giveUp) => {
      this.givingUp.set(name, giveUp);
    });
    if (leave === undefined) return false;
    this.entered.push(name);
    this.leaves.set(name, leave);
    return true;
  }

  async leave(name: string): Promise<void> {
    this.leaves.get(name)?.();
    // Whoever is let in is so in a later microtask.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

describe("HostGates", () => {
  test("lets in as many as there are places, and then one for each that leaves", async () => {
    const calls = new Calls(2);
    const all = ["a", "b", "c", "d"].map((name) => calls.enter(name));
    await Promise.all(all.slice(0, 2));
    expect(calls.entered).toEqual(["a", "b"]);
    await calls.leave("b");
    expect(calls.entered).toEqual(["a", "b", "c"]);
    await calls.leave("b");
    expect(calls.entered).toEqual(["a", "b", "c"]);
    await calls.leave("a");
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
  });

  test("takes turns, and keeps the order within each", async () => {
    const calls = new Calls(1);
    const all = [
      calls.enter("a1", "a"),
      calls.enter("a2", "a"),
      calls.enter("a3", "a"),
      calls.enter("b1", "b"),
      calls.enter("c1", "c"),
      calls.enter("b2", "b"),
    ];
    for (let step = 0; step < 6; step++) await calls.leave(calls.entered.at(-1) ?? "");
    await Promise.all(all);
    expect(calls.entered).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
  });

  test("whoever gives up is passed over, and giving up later does nothing", async () => {
    const calls = new Calls(1);
    await calls.enter("a");
    const turn = {};
    const waiting = ["b", "c", "d"].map((name) => calls.enter(name, turn));
    calls.givingUp.get("b")?.();
    calls.givingUp.get("d")?.();
    expect(await waiting[0]).toBe(false);
    calls.givingUp.get("a")?.();
    await calls.leave("a");
    expect(calls.entered).toEqual(["a", "c"]);
    expect(await waiting[2]).toBe(false);
    await calls.leave("c");
    expect(calls.gates.tryEnter("fn", 1)).toBeDefined();
  });

  test("nobody slips in before those who wait", async () => {
    const calls = new Calls(1);
    expect(calls.gates.tryEnter("fn", 1)).toBeDefined();
    expect(calls.gates.tryEnter("fn", 1)).toBeUndefined();
    expect(calls.gates.tryEnter("other", 1)).toBeDefined();
    const other = new Calls(1);
    await other.enter("a");
    void other.enter("b");
    other.leaves.get("a")?.();
    expect(other.gates.tryEnter("fn", 1)).toBeUndefined();
  });

  test("more places let in who waits, fewer wait for places to be left", async () => {
    const calls = new Calls(1);
    await calls.enter("a");
    const b = calls.enter("b");
    calls.places = 3;
    await Promise.all([b, calls.enter("c")]);
    expect(calls.entered).toEqual(["a", "b", "c"]);
    calls.places = 1;
    const d = calls.enter("d");
    await calls.leave("a");
    await calls.leave("b");
    expect(calls.entered).toHaveLength(3);
    await calls.leave("c");
    expect(await d).toBe(true);
  });
});
