import { describe, expect, test } from "vitest";
import { settle } from "./fake-clock.ts";
import { record, stage } from "./stage.ts";

describe("ending", () => {
  test("drain finishes what was accepted and refuses the rest", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const drains = record(pool, "drain");
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    const draining = pool.drain();
    await expect(pool.call.add()).rejects.toMatchObject({ code: "closed" });
    await settle();
    expect(drains).toHaveLength(0);
    const worker = environment.worker(1);
    for (let index = 0; index < 3; index++) {
      worker.succeed(worker.runs[index]!, index);
      await settle();
    }
    await draining;
    expect(drains).toHaveLength(1);
    await expect(Promise.all(runs)).resolves.toEqual([0, 1, 2]);
  });

  test("close rejects what waits, finishes what runs, shuts down", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const running = [pool.call.add(), pool.call.add()];
    const waiting = pool.call.add();
    await settle();
    const closing = pool.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    await expect(pool.call.add()).rejects.toMatchObject({ code: "closed" });
    await expect(pool.define({ constants: { A: 1 } })).rejects.toMatchObject({ code: "closed" });
    const worker = environment.worker(1);
    expect(worker.isTerminated).toBe(false);
    for (const run of worker.runs) worker.succeed(run, 1);
    await closing;
    await expect(Promise.all(running)).resolves.toEqual([1, 1]);
    expect(worker).toMatchObject({ wasShutDown: true, isTerminated: true });
    expect(pool.health()[0]?.state).toBe("stopped");
  });

  test("close gives up on runs after closeTimeoutMs", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1, closeTimeoutMs: 500 });
    const run = pool.call.add();
    const caught = run.catch((error: unknown) => error);
    await settle();
    const closing = pool.close();
    await clock.advance(500);
    await closing;
    expect(await caught).toMatchObject({ code: "closed", receipt: { attempts: 1 } });
    expect(environment.worker(1).isTerminated).toBe(true);
  });

  test("force ends everything at once, also during a close", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const run = pool.call.add();
    const caught = run.catch((error: unknown) => error);
    await settle();
    const gently = pool.close();
    await pool.close({ force: true });
    await gently;
    expect(await caught).toMatchObject({ code: "closed" });
    expect(environment.worker(1).isTerminated).toBe(true);
  });

  test("a pool that is closed while its workers restart stays closed", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 });
    environment.worker(1).crash();
    await pool.close();
    await clock.advance(60_000);
    expect(environment.workers).toHaveLength(1);
  });
});
