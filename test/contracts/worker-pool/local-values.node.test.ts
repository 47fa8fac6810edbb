/** What is put on the local global object, by code that need not be friendly, and what workers see of it. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { newWorkerEnabledContext, type WorkerEnabledContext } from "skep/worker-pool";

let context: WorkerEnabledContext;
beforeEach(async () => {
  context = await newWorkerEnabledContext({ poolSize: 1 });
});
afterEach(() => context.dispose());

function here(code: string): void {
  const { localContext } = context;
  localContext!.unwrapResult(localContext!.evalCode(code)).dispose();
}

async function inWorker(code: string): Promise<unknown> {
  const { value, error } = await context.evalCodeAsync(code);
  const dumped: unknown = context.dump(value ?? error);
  (value ?? error).dispose();
  return dumped;
}

it("values may lead back to themselves, and parts may be the same", async () => {
  here(`globalThis.ring = { name: "r", list: [], map: new Map() };
    ring.self = ring; ring.list.push(ring.list); ring.map.set("ring", ring);
    const bytes = new ArrayBuffer(8);
    globalThis.views = [new Uint8Array(bytes), new Uint16Array(bytes, 2, 1)];
    globalThis.odd = { ["__proto__"]: 7 };
    let shared = { leaf: 1 };
    for (let depth = 0; depth < 60; depth++) shared = { left: shared, right: shared };
    globalThis.tree = shared;`);
  expect(
    await inWorker(`[
      ring.self === ring, ring.list[0] === ring.list, ring.map.get("ring") === ring,
      views[0].buffer === views[1].buffer, Object.keys(odd), tree.left === tree.right,
    ]`),
  ).toEqual([true, true, true, true, ["__proto__"], true]);
});

it("what cannot be read stays, and holds up nothing for long", async () => {
  here(`globalThis.good = 1;
    globalThis.throwing = { get part() { throw new Error("no") } };
    globalThis.thrower = new Proxy({}, { ownKeys() { throw 1 } });
    globalThis.endless = new Proxy({}, { getPrototypeOf() { for (;;); } });`);
  expect(await inWorker("good")).toBe(1);
  for (const name of ["throwing", "thrower", "endless"]) {
    expect(await inWorker(name)).toMatchObject({
      name: "ReferenceError",
      message: expect.stringContaining("cannot be read"),
    });
  }
});
