/** The shared promises in Node, and what becomes of threads that are lost. */
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";
import { newWorkerPool, newWorkerPoolContext, WorkerCrashError } from "skep/worker-pool";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { workerPoolPromises } from "./promises.ts";

workerPoolPromises();

describe("threads that are lost", () => {
  const { Worker } = threads;
  const opened: threads.Worker[] = [];
  beforeAll(() => {
    threads.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        opened.push(this);
      }
    };
    syncBuiltinESMExports();
  });
  afterAll(() => {
    threads.Worker = Worker;
    syncBuiltinESMExports();
  });

  it("fail the task in them, and are replaced", async () => {
    const pool = await newWorkerPool({ poolSize: 1 });
    const task = pool.evalCode("await new Promise((done) => setTimeout(done, 1e6))");
    await vi.waitUntil(() => pool.busyWorkers === 1, { interval: 5 });
    await opened.at(-1)?.terminate();
    const result = await task;
    expect(result.error).toMatchObject({ name: "WorkerCrashedError", isWorkerCrash: true });
    expect(() => newWorkerPoolContext(pool).unwrapResult(result)).toThrow(WorkerCrashError);
    expect(await pool.evalCode("1")).toEqual({ value: 1 });
    pool.dispose();
  });

  it("are replaced when they had nothing to do, and their sessions go on", async () => {
    const pool = await newWorkerPool({ poolSize: 1 });
    const session = await pool.createSession();
    await session.evalCode("globalThis.x = 1");
    const { workerId } = session;
    await opened.at(-1)?.terminate();
    expect(await pool.evalCode("1")).toEqual({ value: 1 });
    expect(await session.evalCode("x")).toEqual({ value: 1 });
    expect(session.workerId).toBeGreaterThan(workerId);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, availableWorkers: 1 });
    pool.dispose();
  });
});
