import { describe, expect, test } from "vitest";
import { OutboundTag } from "../../../src/protocol/values/outbound-format.ts";
import type { PoolOptions } from "../../../src/pool/options.ts";
import { settle } from "./fake-clock.ts";
import type { ScriptedWorker } from "./scripted-environment.ts";
import { SessionWorkers } from "./session-workers.ts";
import { record, type Stage, stage, stateOf, watched } from "./stage.ts";

interface SessionStage extends Stage {
  workers: SessionWorkers;
  /** The worker a number is of. */
  worker: (workerId: number | undefined) => ScriptedWorker;
}

async function sessionStage(options: PoolOptions<any> = {}): Promise<SessionStage> {
  const workers = new SessionWorkers();
  const staged = await stage(workers.script, {
    functions: { add: "(n) => 0" },
    host: { slow: () => new Promise(() => {}) },
    ...options,
  });
  return { ...staged, workers, worker: (id) => staged.environment.worker(id ?? 0) };
}

/** Answers whatever comes until the promise is settled. */
async function answering<Value>(workers: SessionWorkers, promise: Promise<Value>): Promise<Value> {
  const progress = { isOver: false };
  const end = (): void => void (progress.isOver = true);
  promise.then(end, end);
  // States are compressed in other threads, which takes as long as it takes.
  while (!progress.isOver) {
    for (const run of workers.runs.keys()) workers.answer(run);
    await settle();
  }
  return promise;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

describe("a worker that is lost", () => {
  test("while a session is being opened in it costs the session nothing", async () => {
    const { pool, environment, workers } = await sessionStage();
    workers.isSlow = true;
    const opening = watched(pool.session());
    await settle();
    const victim = environment.workers.find(({ workerId }) => workerId === 1);
    workers.isSlow = false;
    victim?.crash();
    workers.release();
    const session = await opening;
    expect(session.workerId).toBe(2);
    const run = session.run("add", [7]);
    expect(await answering(workers, run)).toBe(1);
  });

  test("while a session wakes leaves it asleep, to wake elsewhere", async () => {
    const { pool, clock, workers, worker } = await sessionStage();
    const session = await pool.session({ idleMs: 100 });
    const first = session.run("add", [1]);
    await answering(workers, first);
    await clock.advance(200);
    await until(() => session.state === "hibernated");
    workers.isSlow = true;
    const opened = workers.requests.length;
    const second = watched(session.run("add", [2]));
    await until(() => workers.requests.length > opened);
    workers.isSlow = false;
    worker(session.workerId).crash();
    workers.release();
    expect(await answering(workers, second)).toBe(2);
  });

  test("during a fork fails the fork and leaves nothing behind", async () => {
    const { pool, workers, worker } = await sessionStage();
    const session = await pool.session();
    workers.isSlow = true;
    const forking = watched(session.fork());
    await settle();
    worker(session.workerId).crash();
    workers.release();
    expect(await stateOf(forking)).toBe("session-ended");
    expect(pool.stats().sessions).toEqual({ active: 0, hibernated: 0 });
  });

  test("during the first run does not end a session with checkpoints", async () => {
    const { pool, workers, worker } = await sessionStage();
    const session = await pool.session({ checkpoint: "each-run" });
    const run = session.run("add", [5]);
    await settle();
    worker(session.workerId).crash();
    expect(await answering(workers, run)).toBe(1);
    expect(session.state).toBe("active");
  });

  test("before a checkpoint was taken is told of", async () => {
    const { pool, workers, worker } = await sessionStage();
    const session = await pool.session({ checkpoint: "each-run" });
    const warnings = record(pool, "warning");
    const run = watched(session.run("add", [5]));
    await settle();
    workers.isSlow = true;
    const [message] = workers.runs.keys();
    if (message !== undefined) workers.answer(message);
    await settle();
    workers.isSlow = false;
    worker(session.workerId).crash();
    workers.release();
    expect(await run).toBe(1);
    expect(warnings.map(({ name }) => name)).toContain("checkpoint-failed");
  });

  test("with a run that reached a limit ends a session that ends with limits", async () => {
    const { pool, clock, workers } = await sessionStage();
    const options = { checkpoint: "each-run", onLimit: "end" } as const;
    const session = await pool.session({ ...options, limits: { timeoutMs: 50, graceMs: 50 } });
    const run = watched(session.run("add", [5]));
    await settle();
    const [message] = workers.runs.keys();
    const worker = message && workers.runs.get(message);
    worker?.send({ type: "entered", runId: message?.runId ?? 0 });
    await clock.advance(1_000);
    expect(await stateOf(run)).toBe("timeout");
    expect(session.state).toBe("ended");
  });
});

describe("a run that is aborted", () => {
  test("while its session wakes lets the next one wait for the waking", async () => {
    const { pool, clock, workers } = await sessionStage();
    const session = await pool.session({ idleMs: 100 });
    await clock.advance(200);
    await until(() => session.state === "hibernated");
    workers.isSlow = true;
    const opened = workers.requests.length;
    const controller = new AbortController();
    const first = watched(session.run("add", [1], { signal: controller.signal }));
    const second = session.run("add", [2]);
    await until(() => workers.requests.length > opened);
    controller.abort();
    expect(await stateOf(first)).toBe("aborted");
    expect(workers.runs.size).toBe(0);
    workers.isSlow = false;
    workers.release();
    expect(await answering(workers, second)).toBe(1);
    expect(workers.requests).toHaveLength(opened + 1);
  });

  test("before it was in the sandbox does not end a session that ends with limits", async () => {
    const { pool, clock, workers } = await sessionStage();
    const session = await pool.session({ idleMs: 100, onLimit: "end" });
    await clock.advance(200);
    await until(() => session.state === "hibernated");
    workers.isSlow = true;
    const controller = new AbortController();
    const run = watched(session.run("add", [1], { signal: controller.signal }));
    await until(() => session.state === "active");
    controller.abort();
    expect(await stateOf(run)).toBe("aborted");
    workers.isSlow = false;
    workers.release();
    await settle();
    expect(session.state).toBe("active");
  });
});

test("a run that was through before the abort reached it counts, and says so", async () => {
  const { pool, workers } = await sessionStage();
  const session = await pool.session();
  const controllers = [new AbortController(), new AbortController()];
  const [first, second] = controllers.map(({ signal }, index) =>
    watched(session.run("add", [index], { signal })),
  );
  for (const [index, controller] of controllers.entries()) {
    await until(() => workers.runs.size > 0);
    // The message with the abort leaves at the end of this turn.
    controller.abort();
    const [[message, worker] = []] = workers.runs;
    if (message !== undefined && index === 0) workers.answer(message);
    else if (message !== undefined) worker?.throwError(message, "Error", "thrown");
    await settle();
  }
  expect(await first).toBe(1);
  expect(await stateOf(second ?? Promise.resolve())).toBe("guest-error");
});

describe("closing", () => {
  test("while the session wakes rejects the run and frees what was opened", async () => {
    const { pool, clock, workers, environment } = await sessionStage();
    const session = await pool.session({ idleMs: 100 });
    await clock.advance(200);
    await until(() => session.state === "hibernated");
    workers.isSlow = true;
    const run = watched(session.run("add", [1]));
    await until(() => session.state === "active");
    const closing = session.close();
    expect(await stateOf(run)).toBe("closed");
    workers.isSlow = false;
    workers.release();
    await closing;
    await settle();
    expect(environment.workers.map((worker) => workers.of(worker).size)).toEqual([0, 0]);
    expect(pool.stats().sessions).toEqual({ active: 0, hibernated: 0 });
  });

  test("the pool while a session is being opened says so", async () => {
    const { pool, workers } = await sessionStage();
    workers.isSlow = true;
    const opening = watched(pool.session());
    await settle();
    const closing = pool.close();
    expect(await stateOf(opening)).toBe("closed");
    workers.release();
    await closing;
  });

  test("during a fork or a snapshot says so", async () => {
    const { pool, clock, workers } = await sessionStage();
    const session = await pool.session();
    workers.isSlow = true;
    const forking = watched(session.fork());
    const snapshot = watched(session.snapshot());
    await settle();
    const closing = pool.close();
    await settle();
    workers.isSlow = false;
    workers.release();
    await closing;
    expect(await stateOf(forking)).toBe("closed");
    expect(await stateOf(snapshot)).toBe("closed");
    expect(clock.pendingCount).toBe(0);
  });

  test("a session that was the last in a recycled worker lets the worker end", async () => {
    const { pool, workers, worker } = await sessionStage({ workers: 1, recycle: { afterRuns: 1 } });
    const session = await pool.session();
    const retired = worker(session.workerId);
    // It cannot leave its worker while it cannot be photographed.
    const { captureSession = () => undefined } = workers.script;
    workers.script.captureSession = () => Promise.reject(new Error("Not now."));
    const run = session.run("add", [1]);
    await answering(workers, run);
    await settle();
    expect(retired.isTerminated).toBe(false);
    workers.script.captureSession = captureSession;
    await session.close();
    await settle();
    expect(retired.isTerminated).toBe(true);
  });
});

test("sessions leave a worker that is to end, with those that are being forked", async () => {
  const { pool, workers, worker } = await sessionStage({ workers: 1, recycle: { afterRuns: 1 } });
  const session = await pool.session({ idleMs: 0 });
  const old = worker(session.workerId);
  const run = session.run("add", [1]);
  await settle();
  workers.isSlow = true;
  const forking = session.fork();
  await answering(workers, run);
  await until(() => pool.health().some(({ id }) => id === 2));
  await settle();
  workers.isSlow = false;
  workers.release();
  const twin = await forking;
  await until(() => old.isTerminated);
  for (const one of [session, twin]) {
    expect(await answering(workers, one.run("add", [3]))).toBe(2);
  }
});

test("a session's clock goes on while it is asleep", async () => {
  const { pool, clock, workers } = await sessionStage();
  const session = await pool.session({ idleMs: 100 });
  await clock.advance(100);
  await until(() => session.state === "hibernated");
  await clock.advance(5_000);
  const run = session.run("add", [1]);
  await answering(workers, run);
  const from = workers.requests.at(-1)?.from;
  expect(from).toMatchObject({ type: "state", state: { ageMs: 5_000 } });
});

test("a session does not remember the host calls of runs that are over", async () => {
  const signals: AbortSignal[] = [];
  const host = {
    note(this: { signal: AbortSignal }): number {
      signals.push(this.signal);
      return 1;
    },
  };
  const { pool, workers, worker } = await sessionStage({ host });
  const session = await pool.session();
  for (const value of [1, 2]) {
    const run = session.run("add", [value]);
    await settle();
    const [message] = workers.runs.keys();
    const { runId = 0 } = message ?? {};
    const args = { bytes: Uint8Array.of(OutboundTag.array, 0), buffers: [] };
    worker(session.workerId).send({
      type: "host-call",
      runId,
      callId: value,
      isSync: false,
      name: "note",
      args,
    });
    await settle();
    await answering(workers, run);
  }
  // A run that nobody works for any more has ended, though its session goes on.
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test("pools close with idle sessions without leaving timers", async () => {
  const { pool, clock } = await sessionStage();
  await Promise.all([pool.session(), pool.session({ idleMs: 5 })]);
  await pool.close();
  await settle();
  expect(clock.pendingCount).toBe(0);
});
