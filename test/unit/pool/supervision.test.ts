import { describe, expect, test } from "vitest";
import { createPoolOn } from "../../../src/pool/create-pool.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { type Script, ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";
import { record, stage, stateOf, watched } from "./stage.ts";

describe("hanging", () => {
  for (const withSignals of [true, false]) {
    const how = withSignals ? "the signal block" : "messages";
    test(`the run that hangs is told from the innocent by ${how}`, async () => {
      const { pool, environment, clock } = await stage(
        {},
        { workers: 1, limits: { timeoutMs: 1_000 } },
        withSignals,
      );
      const states = record(pool, "worker-state");
      const hung = watched(pool.call.add());
      const innocent = pool.call.add();
      await settle();
      const first = environment.worker(1);
      const [run] = first.runs;
      if (withSignals) first.signals?.enter(run!.runId);
      else first.send({ type: "entered", runId: run!.runId });
      await clock.advance(1_100);
      expect(states.at(-1)).toMatchObject({ from: "ready", to: "degraded" });
      await clock.advance(400);
      await expect(hung).rejects.toMatchObject({ code: "timeout", receipt: { attempts: 1 } });
      expect(first.isTerminated).toBe(true);
      const second = environment.worker(2);
      expect(second.runs).toHaveLength(1);
      second.succeed(second.lastRun, 9);
      await expect(innocent).resolves.toBe(9);
      expect(pool.health()[0]).toMatchObject({ state: "ready", restartAttempt: 0, restarts: 1 });
    });
  }

  test("a worker that reacts within its grace stays and takes runs again", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, limits: { timeoutMs: 1_000 } },
      true,
    );
    const late = pool.call.add();
    await settle();
    const worker = environment.worker(1);
    worker.signals?.enter(worker.lastRun.runId);
    await clock.advance(1_150);
    expect(pool.health()[0]?.state).toBe("degraded");
    worker.signals?.leave();
    worker.fail(worker.lastRun, "timeout");
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    const next = pool.call.add();
    await clock.advance(100);
    expect(pool.health()[0]).toMatchObject({ id: 1, state: "ready" });
    worker.succeed(worker.lastRun, 1);
    await expect(next).resolves.toBe(1);
  });

  test("a parent that was asleep does not end workers that have answered", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, limits: { timeoutMs: 100, graceMs: 50 } },
    );
    const run = pool.call.add();
    await settle();
    const worker = environment.worker(1);
    worker.send({ type: "entered", runId: worker.lastRun.runId });
    clock.jump(60_000);
    await clock.advance(0);
    expect(worker.isTerminated).toBe(false);
    worker.succeed(worker.lastRun, 3);
    await expect(run).resolves.toBe(3);
  });

  test("a worker that answers nothing at all is lost, and its runs run elsewhere", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, limits: { timeoutMs: 1_000 } },
    );
    const run = pool.call.add();
    await settle();
    await clock.advance(1_500);
    expect(environment.worker(1).isTerminated).toBe(true);
    await clock.advance(100);
    const second = environment.worker(2);
    second.succeed(second.lastRun, 4);
    await expect(run).resolves.toBe(4);
  });

  test("a parked run that its worker forgets times out", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, limits: { timeoutMs: 1_000 } },
    );
    const run = pool.call.add();
    await settle();
    environment.worker(1).send({ type: "parked", runId: environment.worker(1).lastRun.runId });
    await clock.advance(1_400);
    expect(await stateOf(run)).toBe("pending");
    await clock.advance(400);
    expect(await stateOf(run)).toBe("timeout");
  });

  test("an unlimited run is left alone", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 }, true);
    const run = pool.run("add", [], { timeoutMs: 0 });
    await settle();
    const worker = environment.worker(1);
    worker.signals?.enter(worker.lastRun.runId);
    await clock.advance(3_600_000);
    expect(await stateOf(run)).toBe("pending");
    worker.succeed(worker.lastRun, 1);
    await expect(run).resolves.toBe(1);
  });
});

describe("losing workers", () => {
  test("runs of a crashed worker run elsewhere, in order, without the caller noticing", async () => {
    const { pool, environment } = await stage({}, { workers: 2 });
    const lost = record(pool, "worker-lost");
    const runs = [pool.call.add(), pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    const [first, second] = [environment.worker(1), environment.worker(2)];
    const theirs = second.runs.length;
    first.crash();
    expect(lost).toEqual([
      { workerId: 1, reason: "Worker exited with code 1.", exitCode: 1, runs: 2 },
    ]);
    for (let index = 0; index < 4; index++) {
      await settle();
      second.succeed(second.runs[index]!, index);
    }
    expect(second.runs.length).toBe(theirs + 2);
    const values = await Promise.all(runs);
    expect(new Set(values)).toEqual(new Set([0, 1, 2, 3]));
  });

  test("a restart waits, doubles, is capped, and has its events", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, restart: { baseDelayMs: 100, maxDelayMs: 150, jitterMs: 0, maxPerWorker: 3 } },
    );
    const scheduled = record(pool, "worker-restart-scheduled");
    const restarted = record(pool, "worker-restarted");
    environment.worker(1).crash();
    expect(pool.health()[0]?.state).toBe("restarting");
    await clock.advance(99);
    expect(environment.workers).toHaveLength(1);
    await clock.advance(1);
    environment.worker(2).crash();
    await clock.advance(150);
    expect(scheduled).toEqual([
      { workerId: 1, attempt: 1, delayMs: 100 },
      { workerId: 2, attempt: 2, delayMs: 150 },
    ]);
    expect(restarted).toEqual([
      { workerId: 2, previousWorkerId: 1, attempt: 1 },
      { workerId: 3, previousWorkerId: 2, attempt: 2 },
    ]);
    expect(pool.health()[0]).toMatchObject({ id: 3, state: "ready", restartAttempt: 2 });
  });

  test("healthy uptime gives the budget back", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, restart: { baseDelayMs: 10, healthyAfterMs: 1_000, maxPerWorker: 2 } },
    );
    for (let id = 1; id <= 6; id++) {
      environment.worker(id).crash();
      await clock.advance(10);
      expect(pool.health()[0]).toMatchObject({ id: id + 1, state: "ready", restartAttempt: 1 });
      await clock.advance(1_000);
      expect(pool.health()[0]?.restartAttempt).toBe(0);
    }
  });

  test("without restarts left, everything is rejected with the reason", async () => {
    const { pool, environment } = await stage({}, { workers: 1, restart: { maxPerWorker: 0 } });
    const exhausted = record(pool, "worker-restarts-exhausted");
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    environment.worker(1).crash();
    for (const run of runs) {
      await expect(run).rejects.toMatchObject({ code: "worker-lost" });
    }
    await expect(pool.call.add()).rejects.toThrow(/No worker is left/);
    await expect(pool.define({ constants: { A: 1 } })).rejects.toMatchObject({
      code: "worker-lost",
    });
    expect(exhausted).toEqual([{ workerId: 1, maxPerWorker: 0 }]);
    expect(pool.health()[0]?.state).toBe("stopped");
  });

  test("a run that keeps losing its workers is given up, its neighbours are not", async () => {
    const { pool, environment, clock } = await stage(
      {
        onRun: (worker, run) => {
          if (run.type === "run-source") {
            worker.signals?.enter(run.runId);
            queueMicrotask(() => worker.crash());
          }
        },
      },
      { workers: 1, restart: { maxPerWorker: 9, baseDelayMs: 1 } },
      true,
    );
    const poison = watched(pool.eval("poison"));
    const innocent = pool.call.add();
    await clock.advance(100);
    await expect(poison).rejects.toMatchObject({ code: "worker-lost", receipt: { attempts: 3 } });
    const last = environment.workers.at(-1)!;
    last.succeed(last.lastRun, 8);
    await expect(innocent).resolves.toBe(8);
  });

  test("malformed bytes cost a worker, not a run", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 });
    const warnings = record(pool, "warning");
    const run = pool.call.add();
    await settle();
    environment.worker(1).sendRaw(99, 1, 2, 3, 4);
    expect(warnings).toMatchObject([{ name: "unknown-message", workerId: 1 }]);
    await clock.advance(200);
    const second = environment.worker(2);
    second.succeed(second.lastRun, 2);
    await expect(run).resolves.toBe(2);
  });

  test("words of a worker that is gone, or about a run that has settled, are void", async () => {
    const { pool, environment } = await stage({}, { workers: 2 });
    const warnings = record(pool, "warning");
    const run = pool.call.add();
    await settle();
    const first = environment.worker(1);
    first.crash();
    await settle();
    const second = environment.worker(2);
    first.succeed(first.lastRun, 5);
    first.sendRaw(1);
    second.succeed(second.lastRun, 6);
    second.succeed(second.lastRun, 7);
    await expect(run).resolves.toBe(6);
    expect(warnings).toEqual([]);
    expect(pool.stats()).toMatchObject({ completed: 1, inFlight: 0 });
  });

  test("a replacement gets the whole registry", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1, bootstrap: "var x" });
    await pool.define({ constants: { LIMIT: 3 } });
    environment.worker(1).crash();
    await clock.advance(200);
    const [change] = environment.worker(2).changes;
    expect(change).toMatchObject({ bootstrap: "var x" });
    expect(change?.define.functions.map(({ name }) => name)).toEqual(["add"]);
    expect(change?.define.constants.map(({ name }) => name)).toEqual(["LIMIT"]);
  });
});

describe("restarting a worker on request", () => {
  test("its runs run again, no restart is used up, and the replacement has a new id", async () => {
    const { pool, environment, clock } = await stage(
      {},
      { workers: 1, restart: { maxPerWorker: 0 } },
    );
    const lost = record(pool, "worker-lost");
    const restarted = record(pool, "worker-restarted");
    const run = pool.call.add();
    await settle();
    expect(pool.restartWorker(1)).toBe(true);
    expect(environment.worker(1).isTerminated).toBe(true);
    expect(lost).toMatchObject([{ workerId: 1, runs: 1 }]);
    await clock.advance(0);
    expect(restarted).toEqual([{ workerId: 2, previousWorkerId: 1, attempt: 0 }]);
    const second = environment.worker(2);
    second.succeed(second.lastRun, 5);
    await expect(run).resolves.toBe(5);
    expect(pool.health()[0]).toMatchObject({ id: 2, state: "ready", restartAttempt: 0 });
  });

  test("asked any number of times, it never costs a run its attempts", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 });
    const run = pool.call.add();
    for (let id = 1; id <= 6; id++) {
      await settle();
      expect(pool.restartWorker(id)).toBe(true);
      await clock.advance(0);
    }
    environment.worker(7).succeed(environment.worker(7).lastRun, 1);
    await expect(run).resolves.toBe(1);
  });

  test("a worker that is not up is left alone", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 });
    expect(pool.restartWorker(2)).toBe(false);
    expect(pool.restartWorker(1)).toBe(true);
    expect(pool.restartWorker(1)).toBe(false);
    await clock.advance(0);
    expect(environment.workers).toHaveLength(2);
    await pool.close();
    expect(pool.restartWorker(2)).toBe(false);
  });
});

describe("starting", () => {
  test("a pool of which no worker can start rejects and leaves nothing behind", async () => {
    const environment = new ScriptedEnvironment({
      initialise: () => Promise.reject(new Error("no such engine")),
    });
    const creation = createPoolOn(scriptedPlatform(environment), { workers: 2 });
    await expect(creation).rejects.toMatchObject({ code: "unsupported-environment" });
    await expect(creation).rejects.toThrow(/no such engine/);
    expect(environment.workers).toHaveLength(2);
    expect(environment.workers.every((worker) => worker.isTerminated)).toBe(true);
  });

  test("a definition that cannot be installed rejects createPool with its reason", async () => {
    const environment = new ScriptedEnvironment({
      install: () => ({
        ok: false,
        failure: { kind: "function", name: "bad", message: "SyntaxError: unexpected token" },
      }),
    });
    const creation = createPoolOn(scriptedPlatform(environment), {
      workers: 1,
      functions: { bad: "() => 1 +" },
    });
    await expect(creation).rejects.toMatchObject({
      code: "install-failed",
      kind: "function",
      definition: "bad",
      message: 'Function "bad" could not be installed: SyntaxError: unexpected token',
    });
  });

  test("a worker that never loads is given up", async () => {
    const environment = new ScriptedEnvironment({ open: () => new Promise(() => {}) });
    const clock = new FakeClock();
    const creation = createPoolOn(scriptedPlatform(environment), { workers: 1 }, { clock });
    const caught = creation.catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await caught).toMatchObject({ code: "unsupported-environment" });
  });

  test("a worker that crashes while it starts is given up", async () => {
    const environment = new ScriptedEnvironment({
      initialise: (worker) => {
        worker.crash({ reason: "It ran out of memory." });
        return new Promise(() => {});
      },
    });
    const creation = createPoolOn(scriptedPlatform(environment), { workers: 1 });
    await expect(creation).rejects.toThrow(/ran out of memory/);
  });

  test("one worker that cannot start is restarted while the others serve", async () => {
    const script: Script = {
      initialise: (worker) => {
        if (worker.workerId === 2) throw new Error("out of threads");
      },
      onRun: (worker, run) => worker.succeed(run, 1),
    };
    const { pool, clock } = await stage(script);
    await expect(pool.call.add()).resolves.toBe(1);
    expect(pool.health().map(({ state }) => state)).toEqual(["ready", "restarting"]);
    await clock.advance(100);
    expect(pool.health().map(({ id, state }) => [id, state])).toEqual([
      [1, "ready"],
      [3, "ready"],
    ]);
  });
});
