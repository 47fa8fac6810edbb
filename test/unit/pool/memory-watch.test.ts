import { describe, expect, test } from "vitest";
import { settle } from "./fake-clock.ts";
import type { RunMessage, ScriptedWorker } from "./scripted-environment.ts";
import { record, stage, type Stage, stateOf } from "./stage.ts";

function memoryStage(workers: number, maxBytes: number): Promise<Stage> {
  return stage({}, { workers, memory: { maxBytes }, limits: { timeoutMs: 0 } });
}

/** A run is through that took as long as keeps others from being sent ahead. */
function done(worker: ScriptedWorker, index: number): void {
  worker.succeed(worker.runs[index] as RunMessage, 1, { cpuMs: 1 });
}

describe("the pool's memory watermark", () => {
  test("a worker above its share takes one run at a time until memory is free again", async () => {
    const { pool, environment, clock } = await memoryStage(2, 10_000);
    const pressure = record(pool, "memory-pressure");
    const relief = record(pool, "memory-relieved");
    const runs = Array.from({ length: 8 }, () => pool.call.add());
    await settle();
    const [heavy, light] = [environment.worker(1), environment.worker(2)];
    expect([heavy.runs.length, light.runs.length]).toEqual([2, 2]);
    heavy.usedBytes = 9_000;
    light.usedBytes = 2_000;
    await clock.advance(250);
    expect(pressure).toEqual([{ usedBytes: 11_000, maxBytes: 10_000 }]);
    expect([heavy.trims, light.trims]).toEqual([1, 0]);
    // One of its two is done, and it gets none in its place.
    done(heavy, 0);
    await settle();
    expect(heavy.runs).toHaveLength(2);
    done(heavy, 1);
    await settle();
    expect(heavy.runs).toHaveLength(3);
    done(light, 0);
    await settle();
    expect(light.runs).toHaveLength(3);
    await clock.advance(250);
    expect(pressure).toHaveLength(1);
    expect(heavy.runs).toHaveLength(3);
    heavy.usedBytes = 5_000;
    await clock.advance(250);
    expect(relief).toEqual([{ usedBytes: 7_000, maxBytes: 10_000 }]);
    expect(heavy.runs).toHaveLength(4);
    while (pool.stats().inFlight > 0) {
      for (const worker of [heavy, light]) for (const run of worker.runs) worker.succeed(run, 1);
      await settle();
    }
    await Promise.all(runs);
  });

  test("what trimming frees is enough where it is enough", async () => {
    const { pool, environment, clock } = await stage(
      {
        trim: (worker) => {
          worker.usedBytes = 1_000;
        },
      },
      { workers: 1, memory: { maxBytes: 5_000 }, limits: { timeoutMs: 0 } },
    );
    const names: string[] = [];
    pool.on("memory-pressure", () => names.push("pressure"));
    pool.on("memory-relieved", () => names.push("relieved"));
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const worker = environment.worker(1);
    worker.usedBytes = 6_000;
    await clock.advance(250);
    expect(names).toEqual(["pressure", "relieved"]);
    worker.succeed(worker.runs[0]!, 1);
    await settle();
    expect(worker.runs).toHaveLength(3);
    for (const run of worker.runs.slice(1)) worker.succeed(run, 1);
    await Promise.all(runs);
  });

  test("a watermark below what an idle worker needs still lets runs through", async () => {
    const { pool, environment, clock } = await memoryStage(1, 1);
    const first = pool.call.add();
    await settle();
    const worker = environment.worker(1);
    await clock.advance(250);
    const others = [pool.call.add(), pool.call.add()];
    for (let done = 0; done < 3; done++) {
      await settle();
      expect(worker.runs).toHaveLength(done + 1);
      worker.succeed(worker.lastRun, done);
    }
    expect(await Promise.all([first, ...others])).toEqual([0, 1, 2]);
  });

  test("workers are asked only while something runs, and once after", async () => {
    const { pool, environment, clock } = await memoryStage(1, 10_000);
    let questions = 0;
    const worker = environment.worker(1);
    const { control } = worker.handle;
    const answer = await control.statistics();
    control.statistics = () => {
      questions++;
      return Promise.resolve(answer);
    };
    await clock.advance(10_000);
    expect(questions).toBe(0);
    const run = pool.call.add();
    await clock.advance(1_000);
    expect(questions).toBe(4);
    worker.succeed(worker.lastRun, 1);
    await run;
    await clock.advance(10_000);
    expect(questions).toBe(5);
  });

  test("a worker that never answers the question is not excused for it", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, memory: { maxBytes: 10_000 }, limits: { timeoutMs: 1_000 } },
    );
    environment.worker(1).handle.control.statistics = () => new Promise(() => {});
    const run = pool.call.add();
    await clock.advance(1_500);
    expect(environment.worker(1).isTerminated).toBe(true);
    await clock.advance(200);
    const second = environment.worker(2);
    second.succeed(second.lastRun, 1);
    await expect(run).resolves.toBe(1);
  });

  test("nor does asking for its health excuse it, however often", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, limits: { timeoutMs: 1_000 } },
    );
    let questions = 0;
    environment.worker(1).handle.control.statistics = () => {
      questions++;
      return new Promise(() => {});
    };
    const run = pool.call.add();
    for (let time = 0; time < 150; time++) {
      pool.health();
      await clock.advance(10);
    }
    expect(environment.worker(1).isTerminated).toBe(true);
    expect(questions).toBe(1);
    await pool.close({ force: true });
    expect(await stateOf(run)).toBe("closed");
  });
});
