import { expect, it, vi } from "vitest";
import type { Engine } from "../../../src/guest/engine.ts";
import { EngineChoice } from "../../../src/guest/engine-choice.ts";

const plain = { name: "sync" } as Engine;
const tracking = { name: "sync" } as Engine;
const SMALL = 250_000;
const LARGE = 2_000_000;

function setUp(load = async () => tracking) {
  const loaded = vi.fn(load);
  const failed = vi.fn();
  const choice = new EngineChoice(plain, loaded, failed);
  function run(count: number, cpuMs: number): void {
    for (let index = 0; index < count; index++) choice.noteRun(cpuMs);
  }
  return { choice, loaded, failed, run };
}

/** What the choice does in the background is done. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

it("stays with the plain engine until runs have shown how short they are", async () => {
  const { choice, loaded, run } = setUp();
  run(500, 0.01);
  expect(choice.review(SMALL)).toBe(plain);
  expect(loaded).not.toHaveBeenCalled();
  run(600, 0.01);
  choice.review(SMALL);
  await settled();
  run(1_000, 0.01);
  expect(choice.review(SMALL)).toBe(tracking);
  expect(loaded).toHaveBeenCalledTimes(1);
});

it("keeps long runs in the plain engine, and goes back to it for them", async () => {
  const { choice, loaded, run } = setUp();
  run(2_000, 5);
  choice.review(SMALL);
  expect(loaded).not.toHaveBeenCalled();
  run(3_000, 0);
  choice.review(SMALL);
  await settled();
  run(1_000, 0);
  expect(choice.review(SMALL)).toBe(tracking);
  run(1_000, 5);
  expect(choice.review(SMALL)).toBe(plain);
});

it("does not waver between the two", async () => {
  const { choice, run } = setUp();
  run(1_000, 0.01);
  choice.review(SMALL);
  await settled();
  run(1_000, 0.01);
  choice.review(SMALL);
  // About as good as each other.
  run(5_000, 0.042);
  expect(choice.review(SMALL)).toBe(tracking);
});

it("takes the tracking engine at once for a large image", async () => {
  const { choice } = setUp();
  expect(await choice.settle(SMALL)).toBe(plain);
  expect(await choice.settle(LARGE)).toBe(tracking);
});

it("says once that it cannot be had, and serves with the plain engine", async () => {
  const reason = new Error("not found");
  const { choice, failed, loaded, run } = setUp(() => Promise.reject(reason));
  expect(await choice.settle(LARGE)).toBe(plain);
  run(5_000, 0);
  expect(choice.review(LARGE)).toBe(plain);
  expect(await choice.settle(LARGE)).toBe(plain);
  expect(failed).toHaveBeenCalledExactlyOnceWith(reason);
  expect(loaded).toHaveBeenCalledTimes(1);
});

it("knows no tracking build of asyncify", async () => {
  const asyncify = { name: "asyncify" } as Engine;
  const load = vi.fn(async () => tracking);
  const choice = new EngineChoice(asyncify, load, () => {});
  expect(await choice.settle(LARGE)).toBe(asyncify);
  expect(load).not.toHaveBeenCalled();
});
