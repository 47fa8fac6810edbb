import { describe, expect, test } from "vitest";
import type { PoolOptions } from "../../../src/pool/options.ts";
import { settle } from "./fake-clock.ts";
import type { Script, ScriptedWorker } from "./scripted-environment.ts";
import { record, stage, type Stage, stateOf, watched } from "./stage.ts";

const BAD = "() => { for (;;); }";
const OPTIONS: PoolOptions = {
  workers: 1,
  functions: { bad: BAD, good: "() => 1" },
  limits: { timeoutMs: 100, graceMs: 50 },
  restart: { maxPerWorker: 99, baseDelayMs: 1, maxDelayMs: 1, jitterMs: 0 },
};

function quarantineStage(options: PoolOptions = {}, script: Script = {}): Promise<Stage> {
  return stage(script, { ...OPTIONS, ...options }, true);
}

function latest({ environment }: Stage): ScriptedWorker {
  return environment.workers.at(-1) as ScriptedWorker;
}

/** A run hangs past its grace, and its worker is ended for it. */
async function hang(staged: Stage, submit: () => Promise<unknown>): Promise<unknown> {
  const run = submit();
  const state = stateOf(run);
  await settle();
  const worker = latest(staged);
  worker.signals?.enter(worker.lastRun.runId);
  await staged.clock.advance(300);
  expect(worker.isTerminated).toBe(true);
  await state;
  return stateOf(run);
}

/** A worker ends by itself while a run is inside. */
async function crash({ clock, ...staged }: Stage, runId: number): Promise<void> {
  const worker = latest({ clock, ...staged });
  worker.signals?.enter(runId);
  worker.crash();
  await clock.advance(1);
  await settle();
}

describe("quarantine", () => {
  test("a function that hung past its grace three times is refused, and says so", async () => {
    const staged = await quarantineStage();
    const { pool } = staged;
    const quarantined = record(pool, "function-quarantined");
    for (let time = 1; time <= 3; time++) {
      expect(quarantined).toEqual([]);
      expect(await hang(staged, () => pool.call.bad())).toBe("timeout");
    }
    const { hash } = pool.registry().functions[0]!;
    expect(quarantined).toEqual([
      {
        name: "bad",
        hash,
        lostWorkers: 3,
        lostSandboxes: 0,
        reason: expect.stringContaining("did not react") as string,
        forMs: 60_000,
      },
    ]);
    await expect(pool.call.bad()).rejects.toMatchObject({ code: "quarantined" });
    await expect(pool.call.bad()).rejects.toThrow(
      /^Function "bad" is in quarantine since 20\d\d-.*, because it cost 3 workers; the last one: Run \d+ did not react.*pool\.release\("bad"\)\.$/,
    );
    expect(pool.quarantined()).toMatchObject([{ name: "bad", hash, lostWorkers: 3 }]);
    const [entry] = pool.quarantined();
    expect((entry?.until?.getTime() ?? 0) - (entry?.since.getTime() ?? 0)).toBe(60_000);
    const good = pool.call.good();
    await settle();
    latest(staged).succeed(latest(staged).lastRun, 1);
    await expect(good).resolves.toBe(1);
  });

  test("what waits of it is rejected as well, and what waits of others is not", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 } });
    const { pool } = staged;
    const good = pool.call.good();
    const waiting = [1, 2, 3, 4].map(() => watched(pool.call.bad()));
    const last = pool.call.good();
    await settle();
    const worker = latest(staged);
    worker.succeed(worker.lastRun.runId - 1, 1);
    await expect(good).resolves.toBe(1);
    worker.signals?.enter(worker.runs[1]!.runId);
    await staged.clock.advance(300);
    expect(await Promise.all(waiting.map((run) => stateOf(run)))).toEqual([
      "timeout",
      "quarantined",
      "quarantined",
      "quarantined",
    ]);
    const next = latest(staged);
    expect(next.runs).toHaveLength(1);
    next.succeed(next.lastRun, 2);
    await expect(last).resolves.toBe(2);
  });

  test("release() lifts it by name or by hash, and starts the count anew", async () => {
    const staged = await quarantineStage({ quarantine: { after: 2 } });
    const { pool } = staged;
    const released = record(pool, "function-released");
    const { hash } = pool.registry().functions[0]!;
    for (const name of ["bad", hash]) {
      for (let time = 0; time < 2; time++) await hang(staged, () => pool.call.bad());
      expect(pool.release("good")).toBe(false);
      expect(pool.release(name)).toBe(true);
      expect(pool.release(name)).toBe(false);
      expect(pool.quarantined()).toEqual([]);
    }
    expect(released).toEqual([
      { name: "bad", hash, reason: "released" },
      { name: "bad", hash, reason: "released" },
    ]);
    expect(await stateOf(watched(pool.call.bad()))).toBe("pending");
  });

  test("other source under the name is another function, the same source is not", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 } });
    const { pool } = staged;
    await hang(staged, () => pool.call.bad());
    await pool.define({ functions: { alias: BAD } });
    expect(await stateOf(pool.call.alias())).toBe("quarantined");
    await pool.define({ functions: { bad: "() => 2" } });
    expect(await stateOf(watched(pool.call.bad()))).toBe("pending");
    expect(pool.release("alias")).toBe(true);
    expect(await stateOf(watched(pool.call.alias()))).toBe("pending");
  });

  test("its time runs out; after that the next lost worker is one too many", async () => {
    const staged = await quarantineStage({ quarantine: { after: 2, forMs: 5_000 } });
    const { pool, clock } = staged;
    const released = record(pool, "function-released");
    for (let time = 0; time < 2; time++) await hang(staged, () => pool.call.bad());
    await clock.advance(4_500);
    expect(await stateOf(pool.call.bad())).toBe("quarantined");
    await clock.advance(500);
    expect(released).toMatchObject([{ name: "bad", reason: "expired" }]);
    expect(await hang(staged, () => pool.call.bad())).toBe("timeout");
    expect(pool.quarantined()).toHaveLength(1);
    await clock.advance(5_000);
    await clock.advance(5_000);
    expect(await hang(staged, () => pool.call.bad())).toBe("timeout");
    expect(pool.quarantined()).toEqual([]);
  });

  test("offences that lie far apart do not add up", async () => {
    const staged = await quarantineStage({ quarantine: { after: 2, forMs: 1_000 } });
    for (let time = 0; time < 4; time++) {
      expect(await hang(staged, () => staged.pool.call.bad())).toBe("timeout");
      await staged.clock.advance(1_000);
    }
  });

  test("forMs: 0 is until it is released", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1, forMs: 0 } });
    const { pool, clock } = staged;
    await hang(staged, () => pool.call.bad());
    await clock.advance(10_000_000);
    await expect(pool.call.bad()).rejects.toThrow(/It is refused until released\./);
    expect(pool.quarantined()).toMatchObject([{ until: undefined }]);
  });

  test("an evaluation goes by its source and the modules it brings", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 } });
    const { pool } = staged;
    await hang(staged, () => pool.eval("for (;;);", { filename: "loop.js" }));
    expect(await stateOf(pool.eval("for (;;);\r\n"))).toBe("quarantined");
    expect(await stateOf(watched(pool.eval("for (;;) ;")))).toBe("pending");
    const withModule = pool.eval("for (;;);", { modules: { a: "1" } });
    expect(await stateOf(watched(withModule))).toBe("pending");
    await expect(pool.eval("for (;;);")).rejects.toThrow(/^The evaluation "eval.js" is in/);
    expect(pool.release("loop.js")).toBe(true);
  });

  test("a function inside whenever its worker crashes is refused", async () => {
    const staged = await quarantineStage(
      {},
      {
        onRun: (worker, run) => {
          worker.signals?.enter(run.runId);
          queueMicrotask(() => worker.crash());
        },
      },
    );
    const { pool, clock } = staged;
    const run = watched(pool.call.bad());
    await clock.advance(1_000);
    // The third worker was one too many for the run and for its function.
    expect(pool.quarantined()).toMatchObject([{ name: "bad", lostWorkers: 3 }]);
    expect(await stateOf(run)).toBe("worker-lost");
    expect(await stateOf(pool.call.bad())).toBe("quarantined");
  });

  test("a function under which the engine keeps failing is refused, whatever else succeeds", async () => {
    const staged = await quarantineStage({ quarantine: { after: 3 } });
    const { pool } = staged;
    const trap = async (): Promise<unknown> => {
      const run = watched(pool.call.bad());
      await settle();
      const worker = latest(staged);
      worker.fail(worker.lastRun, "worker-lost", "The engine failed.", true);
      return stateOf(run);
    };
    expect(await trap()).toBe("worker-lost");
    const fine = pool.call.bad();
    await settle();
    latest(staged).succeed(latest(staged).lastRun, 1);
    await fine;
    expect(await hang(staged, () => pool.call.bad())).toBe("timeout");
    expect(pool.quarantined()).toEqual([]);
    expect(await trap()).toBe("worker-lost");
    expect(pool.quarantined()).toMatchObject([{ lostWorkers: 1, lostSandboxes: 2 }]);
    await expect(pool.call.bad()).rejects.toThrow(
      /because it cost 1 worker, 2 sandboxes; the last one: The engine failed\./,
    );
  });

  test("what happens in sessions is nobody's offence", async () => {
    const staged = await quarantineStage();
    for (let count = 0; count < 4; count++) {
      const session = await staged.pool.session();
      const run = watched(session.run("bad"));
      await settle();
      const worker = latest(staged);
      worker.fail(worker.lastRun, "worker-lost", "The engine failed.", true);
      expect(await stateOf(run)).toBe("worker-lost");
    }
    expect(staged.pool.quarantined()).toEqual([]);
  });

  test("a run that waits when its function is quarantined is refused at once", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 }, maxInFlightPerWorker: 1 });
    const { pool } = staged;
    const first = watched(pool.call.bad());
    const waiting = watched(pool.call.bad());
    await settle();
    const worker = latest(staged);
    worker.fail(worker.lastRun, "worker-lost", "The engine failed.", true);
    expect(await stateOf(first)).toBe("worker-lost");
    expect(await stateOf(waiting)).toBe("quarantined");
    expect(worker.isTerminated).toBe(false);
  });

  test("failures that are no traps do not count", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 } });
    for (const code of ["worker-lost", "memory-exceeded", "stack-exceeded", "timeout"] as const) {
      const run = watched(staged.pool.call.bad());
      await settle();
      latest(staged).fail(latest(staged).lastRun, code);
      expect(await stateOf(run)).toBe(code);
    }
    expect(staged.pool.quarantined()).toEqual([]);
  });

  test("crashes are no offence of a function that succeeds in between", async () => {
    const staged = await quarantineStage({ quarantine: { after: 2 } });
    const { pool } = staged;
    for (let time = 0; time < 5; time++) {
      const run = pool.call.good();
      await settle();
      await crash(staged, latest(staged).lastRun.runId);
      latest(staged).signals?.leave();
      latest(staged).succeed(latest(staged).lastRun, 1);
      await expect(run).resolves.toBe(1);
    }
    expect(pool.quarantined()).toEqual([]);
  });

  test("neither restarts on request nor being nearby counts", async () => {
    const staged = await quarantineStage({ quarantine: { after: 1 } });
    const { pool, clock } = staged;
    const bystander = watched(pool.call.good());
    const run = watched(pool.call.bad());
    await settle();
    latest(staged).signals?.enter(latest(staged).lastRun.runId);
    for (let id = 1; id <= 3; id++) {
      expect(pool.restartWorker(id)).toBe(true);
      await clock.advance(0);
      latest(staged).signals?.enter(latest(staged).lastRun.runId);
    }
    expect(pool.quarantined()).toEqual([]);
    latest(staged).signals?.leave();
    latest(staged).crash();
    await clock.advance(10);
    expect(pool.quarantined()).toEqual([]);
    const [first, second] = latest(staged).runs;
    latest(staged).signals?.enter(second!.runId);
    await clock.advance(300);
    expect(pool.quarantined().map(({ name }) => name)).toEqual(["bad"]);
    expect(await stateOf(run)).toBe("timeout");
    expect(first?.runId).not.toBe(second?.runId);
    latest(staged).succeed(latest(staged).lastRun, 4);
    await expect(bystander).resolves.toBe(4);
  });

  test.each([false, 0, { after: 0 }] as const)("quarantine: %j switches it off", async (off) => {
    const staged = await quarantineStage({ quarantine: off });
    for (let time = 0; time < 5; time++) {
      expect(await hang(staged, () => staged.pool.call.bad())).toBe("timeout");
    }
  });

  test("wrong options are refused", async () => {
    const wrong: [PoolOptions, RegExp][] = [
      [{ quarantine: true as unknown as false }, /quarantine must be false or/],
      [{ quarantine: { after: -1 } }, /quarantine\.after must be a whole number/],
      [{ quarantine: { forMS: 1 } as object }, /Did you mean "forMs"/],
      [{ recycle: { afterRuns: 0.5 } }, /recycle\.afterRuns/],
      [{ memory: { maxBytes: "1 GB" as unknown as number } }, /memory\.maxBytes/],
    ];
    for (const [options, message] of wrong) {
      await expect(stage({}, options)).rejects.toThrow(message);
    }
  });
});
