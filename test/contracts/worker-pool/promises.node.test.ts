/** The shared promises in Node, and what becomes of threads that are lost. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import threads from "node:worker_threads";
import { newWorkerPool, newWorkerPoolContext, WorkerCrashError } from "skep/worker-pool";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { workerPoolPromises } from "./promises.ts";

workerPoolPromises();

describe("files", () => {
  const write = `const file = std.open("/files/a.txt", "w"); file.puts("a"); file.close()`;

  it("are in a directory where one is given", async () => {
    const filesDirectory = await mkdtemp(join(tmpdir(), "skep-worker-pool-"));
    const options = { poolSize: 1, variant: "wasmfs", opfsMountPath: "/files" } as const;
    const pool = await newWorkerPool({ ...options, filesDirectory });
    expect((await pool.evalCode(write)).error).toBeUndefined();
    expect(await readFile(join(filesDirectory, "a.txt"), "utf8")).toBe("a");
    await pool[Symbol.asyncDispose]();
    await rm(filesDirectory, { recursive: true });
    await expect(newWorkerPool({ ...options, filesDirectory })).rejects.toThrow(/Make it first/);
  });

  it("belong to one pool where none is, and are not there without the variant", async () => {
    const options = { poolSize: 1, variant: "wasmfs", opfsMountPath: "/files" } as const;
    await using first = await newWorkerPool(options);
    await using second = await newWorkerPool({ ...options, forceSingleThreaded: true });
    await using third = await newWorkerPool({ poolSize: 1 });
    await first.evalCode(write);
    expect(await first.evalCode(`std.exists("/files/a.txt")`)).toEqual({ value: true });
    expect(await second.evalCode(`std.exists("/files/a.txt")`)).toEqual({ value: false });
    expect(await third.evalCode("typeof std")).toEqual({ value: "undefined" });
  });
});

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
