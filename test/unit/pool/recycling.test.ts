import { describe, expect, test } from "vitest";
import type { PoolOptions } from "../../../src/pool/options.ts";
import { settle } from "./fake-clock.ts";
import type { Script } from "./scripted-environment.ts";
import { record, stage, stateOf, watched } from "./stage.ts";

const AFTER_TWO: PoolOptions = { workers: 1, recycle: { afterRuns: 2 }, limits: { timeoutMs: 0 } };

/** Workers that start when the test lets them, but for the first. */
function gated(): {
  script: Script;
  open: (error?: Error) => Promise<void>;
  waiting: () => number;
} {
  const gates: { resolve: () => void; reject: (error: Error) => void }[] = [];
  return {
    script: {
      open: (worker) =>
        worker.workerId === 1
          ? undefined
          : new Promise<void>((resolve, reject) => gates.push({ resolve, reject })),
    },
    waiting: () => gates.length,
    open: async (error) => {
      const gate = gates.shift();
      if (error === undefined) gate?.resolve();
      else gate?.reject(error);
      await settle();
    },
  };
}

describe("recycling", () => {
  test("a worker serves until its replacement is ready, finishes what it has, and goes", async () => {
    const { script, open, waiting } = gated();
    const { pool, environment } = await stage(script, {
      ...AFTER_TWO,
      restart: { maxPerWorker: 0 },
    });
    const recycled = record(pool, "worker-recycled");
    const ended = record(pool, "worker-ended");
    const lost = record(pool, "worker-lost");
    const first = environment.worker(1);
    const runs = [pool.call.add(), pool.call.add()];
    await settle();
    for (const run of first.runs) first.succeed(run, 1);
    await Promise.all(runs);
    await settle();
    expect(waiting()).toBe(1);
    const running = pool.call.add();
    const parked = pool.call.add();
    await settle();
    expect(first.runs).toHaveLength(4);
    first.send({ type: "parked", runId: first.runs[3]!.runId });
    await open();
    const reason = "It has finished 2 runs, and recycle.afterRuns is 2.";
    expect(recycled).toEqual([{ workerId: 1, successorId: 2, reason, runs: 2 }]);
    expect(pool.health()).toMatchObject([
      { id: 2, state: "ready", restartAttempt: 0, restarts: 0 },
    ]);
    const next = pool.call.add();
    await settle();
    expect(first.runs).toHaveLength(4);
    const second = environment.worker(2);
    second.succeed(second.lastRun, 7);
    await expect(next).resolves.toBe(7);
    first.succeed(first.runs[2]!, 5);
    await expect(running).resolves.toBe(5);
    expect(first.isTerminated).toBe(false);
    first.succeed(first.runs[3]!, 6);
    await expect(parked).resolves.toBe(6);
    await settle();
    expect(first).toMatchObject({ isTerminated: true, wasShutDown: true });
    expect(ended).toEqual([{ workerId: 1 }]);
    expect(lost).toEqual([]);
  });

  test("what a worker on its way out still finishes is no reason to replace it again", async () => {
    const { pool, environment } = await stage({}, AFTER_TWO);
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const [first] = environment.workers;
    for (const run of first!.runs.slice(0, 2)) first!.succeed(run, 1);
    await settle();
    first!.succeed(first!.lastRun, 1);
    await Promise.all(runs);
    // The next one is due at once.
    for (let call = 0; call < 2; call++) {
      const run = pool.call.add();
      await settle();
      environment.worker(2).succeed(environment.worker(2).lastRun, 1);
      await run;
    }
    await settle();
    expect(pool.health()).toMatchObject([{ id: 3, state: "ready" }]);
  });

  test("one at a time, and every worker in the end", async () => {
    const { pool, environment } = await stage(
      { onRun: (worker, run) => worker.succeed(run, 1) },
      { workers: 3, recycle: { afterRuns: 5 } },
    );
    const events: string[] = [];
    let isReplacing = 0;
    let workers = 3;
    pool.on("worker-spawned", () => expect(++isReplacing).toBe(1));
    pool.on("worker-recycled", ({ workerId }) => {
      isReplacing--;
      workers++;
      events.push(`recycled ${workerId}`);
    });
    pool.on("worker-ended", () => workers--);
    for (let call = 0; call < 60; call++) {
      await expect(pool.call.add()).resolves.toBe(1);
      await settle();
    }
    expect(events.slice(0, 3).sort()).toEqual(["recycled 1", "recycled 2", "recycled 3"]);
    expect(environment.workers.filter(({ isTerminated }) => !isTerminated)).toHaveLength(3);
    expect(workers).toBe(3);
    expect(pool.stats()).toMatchObject({ completed: 60, failed: 0, restarts: 0 });
  });

  test("when the replacement cannot start the old one stays, and is not asked at once", async () => {
    const { script, open, waiting } = gated();
    const { pool, environment, clock } = await stage(
      { ...script, onRun: (worker, run) => worker.succeed(run, 1) },
      { ...AFTER_TWO, restart: { maxDelayMs: 1_000 } },
    );
    const failed = record(pool, "worker-restart-failed");
    await pool.call.add();
    await pool.call.add();
    await settle();
    await open(new Error("out of threads"));
    const reason = "Worker 2 could not start: out of threads";
    expect(failed).toEqual([{ workerId: 2, attempt: 0, reason, exhausted: false }]);
    for (let call = 0; call < 5; call++) await expect(pool.call.add()).resolves.toBe(1);
    expect(waiting()).toBe(0);
    await clock.advance(1_000);
    await pool.call.add();
    await settle();
    expect(waiting()).toBe(1);
    await open();
    expect(pool.health()).toMatchObject([{ id: 3, state: "ready" }]);
    expect(environment.worker(1).isTerminated).toBe(true);
  });

  test("a worker lost while its replacement starts is restarted; the replacement is let go", async () => {
    const { script, open } = gated();
    const { pool, environment, clock } = await stage(script, AFTER_TWO);
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const first = environment.worker(1);
    first.succeed(first.runs[0]!, 1);
    first.succeed(first.runs[1]!, 1);
    await settle();
    first.crash();
    await open();
    expect(environment.worker(2).isTerminated).toBe(true);
    await clock.advance(100);
    await open();
    const third = environment.worker(3);
    third.succeed(third.lastRun, 3);
    expect(await Promise.all(runs)).toEqual([1, 1, 3]);
    expect(pool.health()).toMatchObject([{ id: 3, state: "ready", restartAttempt: 1 }]);
  });

  test("a worker lost while it finishes loses no run, and needs no replacement", async () => {
    const { pool, environment } = await stage({}, AFTER_TWO);
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const first = environment.worker(1);
    for (const run of first.runs.slice(0, 2)) first.succeed(run, 1);
    await settle();
    expect(pool.health()).toMatchObject([{ id: 2 }]);
    first.crash();
    await settle();
    const second = environment.worker(2);
    second.succeed(second.lastRun, 2);
    expect(await Promise.all(runs)).toEqual([1, 1, 2]);
    await settle();
    expect(environment.workers).toHaveLength(2);
  });

  test("a run that hangs in a worker on its way out is still found", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { ...AFTER_TWO, limits: { timeoutMs: 1_000 } },
      true,
    );
    const runs = [pool.call.add(), pool.call.add()];
    const hung = watched(pool.call.add());
    await settle();
    const first = environment.worker(1);
    for (const run of first.runs.slice(0, 2)) first.succeed(run, 1);
    await Promise.all(runs);
    await settle();
    expect(pool.health()).toMatchObject([{ id: 2 }]);
    first.signals?.enter(first.lastRun.runId);
    await clock.advance(1_500);
    expect(await stateOf(hung)).toBe("timeout");
    expect(first.isTerminated).toBe(true);
    expect(environment.workers).toHaveLength(2);
  });

  test("definitions reach a replacement that is starting", async () => {
    const { script, open } = gated();
    const { pool, environment } = await stage(
      { ...script, onRun: (worker, run) => worker.succeed(run, 1) },
      AFTER_TWO,
    );
    await pool.call.add();
    await pool.call.add();
    await settle();
    await pool.define({ functions: { later: "() => 1" } });
    await open();
    const names = environment.worker(2).changes.flatMap(({ define }) => define.functions);
    expect(names.map(({ name }) => name)).toEqual(["add", "later"]);
    await expect(pool.call.later()).resolves.toBe(1);
    expect(environment.worker(2).runs).toHaveLength(1);
  });

  test("close() ends the old, the new and those in between", async () => {
    const { script, open } = gated();
    const { pool, environment } = await stage(script, AFTER_TWO);
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const first = environment.worker(1);
    for (const run of first.runs.slice(0, 2)) first.succeed(run, 1);
    await settle();
    await open();
    const last = watched(runs[2] as Promise<unknown>);
    const closing = pool.close({ force: true });
    expect(await stateOf(last)).toBe("closed");
    await closing;
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });

  test("close() while a replacement starts leaves nothing behind", async () => {
    const { script, open } = gated();
    const { pool, environment } = await stage(
      { ...script, onRun: (worker, run) => worker.succeed(run, 1) },
      AFTER_TWO,
    );
    await pool.call.add();
    await pool.call.add();
    await settle();
    await pool.close();
    await open();
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });

  test("a worker that uses too much memory is replaced, but not in its first second", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, recycle: { aboveMemoryBytes: 5_000 }, limits: { timeoutMs: 0 } },
    );
    const recycled = record(pool, "worker-recycled");
    const run = pool.call.add();
    await settle();
    const first = environment.worker(1);
    first.usedBytes = 6_000;
    await clock.advance(900);
    expect(recycled).toEqual([]);
    await clock.advance(350);
    expect(recycled).toEqual([
      {
        workerId: 1,
        successorId: 2,
        reason: "It uses 6000 bytes, and recycle.aboveMemoryBytes is 5000.",
        runs: 1,
      },
    ]);
    first.succeed(first.lastRun, 3);
    await expect(run).resolves.toBe(3);
    await settle();
    expect(first.isTerminated).toBe(true);
  });
});
