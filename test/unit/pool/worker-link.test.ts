import { LIMITS } from "./limits-of-runs.ts";
import { beforeEach, describe, expect, test } from "vitest";
import type { RunCost } from "../../../src/protocol/messages.ts";
import { Run } from "../../../src/pool/run.ts";
import { ControlTimeoutError, WorkerGoneError } from "../../../src/pool/control-requests.ts";
import { WorkerLink } from "../../../src/pool/worker-link.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { ScriptedWorker } from "./scripted-environment.ts";

const COST: RunCost = {
  wallMs: 1,
  cpuMs: 0,
  gas: 0,
  peakMemoryBytes: 0,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
};
const SLOTS = 4;

let clock: FakeClock;
let worker: ScriptedWorker;
let link: WorkerLink;
let lastId: number;

beforeEach(() => {
  clock = new FakeClock();
  worker = new ScriptedWorker(1, {}, undefined);
  lastId = 0;
  const listener = {
    onMessage: () => {},
    answerNow: () => {
      throw new Error("No worker calls anybody here.");
    },
    onBatchDone: () => {},
    onBroken: () => {},
  };
  const room = { maxInFlightPerWorker: SLOTS, maxParkedPerWorker: 0, limits: LIMITS };
  link = new WorkerLink(1, worker.handle, room, clock, listener);
});

function start(): Run {
  const args = { bytes: new Uint8Array(), buffers: [] };
  const target = { type: "function", name: "f", args } as const;
  const run = new Run(++lastId, target, LIMITS, 0);
  link.start(run);
  return run;
}

describe("WorkerLink", () => {
  test("has room for one run and one behind it, until it knows what runs cost", () => {
    start();
    expect(link.hasRoom(false)).toBe(true);
    start();
    expect(link.hasRoom(false)).toBe(false);
  });

  test("has room for as many trivial runs as it has slots, and few slow ones", () => {
    for (let round = 0; round < 40; round++) link.finish(start(), COST);
    for (let count = 0; count < SLOTS; count++) {
      expect(link.hasRoom(false)).toBe(true);
      start();
    }
    expect(link.hasRoom(false)).toBe(false);
    for (const run of link.inFlight.values()) link.finish(run, { ...COST, cpuMs: 500 });
    start();
    start();
    expect(link.hasRoom(false)).toBe(false);
  });

  test("counts a run once, however often it parks and comes back", () => {
    const run = start();
    const other = start();
    expect(link.backlog).toBe(2);
    link.park(run, 0);
    link.park(run, 0);
    expect(link.backlog).toBe(1);
    link.enter(run, 0);
    expect(link.backlog).toBe(2);
    link.park(run, 0);
    link.finish(run, COST);
    expect(link.backlog).toBe(1);
    link.finish(other, COST);
    expect(link.backlog).toBe(0);
    expect(link.isIdle).toBe(true);
  });

  test("gives every run in flight a slot of its own", () => {
    for (let round = 0; round < 40; round++) link.finish(start(), COST);
    const slots = Array.from({ length: SLOTS }, () => start().slot);
    expect(new Set(slots)).toEqual(new Set([0, 1, 2, 3]));
  });

  test("a request that is not answered rejects in time, and when the worker ends", async () => {
    const never = () => new Promise<never>(() => {});
    const late = link.requests.make("answer", never, 100).catch((error: unknown) => error);
    await clock.advance(100);
    expect(await late).toBeInstanceOf(ControlTimeoutError);
    const orphaned = link.requests.make("answer", never, 100).catch((error: unknown) => error);
    expect(link.requests.pendingCount).toBe(1);
    link.end("It crashed.");
    expect(await orphaned).toBeInstanceOf(WorkerGoneError);
    await expect(link.requests.make("answer", never, 100)).rejects.toBeInstanceOf(WorkerGoneError);
    expect(link.requests.pendingCount).toBe(0);
  });

  test("sends nothing more once it has ended", async () => {
    start();
    link.end("It crashed.");
    await settle();
    expect(worker.runs).toEqual([]);
  });
});
