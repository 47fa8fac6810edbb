import { describe, expect, test } from "vitest";
import type { SkepError } from "../../../src/errors.ts";
import { settle } from "./fake-clock.ts";
import type { Script } from "./scripted-environment.ts";
import { answering, record, stage, watched } from "./stage.ts";

describe("running", () => {
  test("a call, an evaluation and an execution settle with the worker's value", async () => {
    const { pool } = await stage({ onRun: (worker, run) => worker.succeed(run, 7) });
    await expect(pool.call.add(1, 2)).resolves.toBe(7);
    await expect(pool.eval("1 + 6")).resolves.toBe(7);
    const outcome = await pool.execute({ run: "add", args: [1] });
    expect(outcome).toMatchObject({ ok: true, value: 7, receipt: { workerId: 1, attempts: 1 } });
  });

  test("define returns callable handles", async () => {
    const { pool } = await stage({ onRun: (worker, run) => worker.succeed(run, 5) });
    const { double } = await pool.define({
      functions: {
        double(value: number) {
          return value * 2;
        },
      },
    });
    const result: number = await double(2);
    expect(result).toBe(5);
  });

  test("the call surface is no promise and has no symbols", async () => {
    const { pool } = await stage();
    expect(pool.call.then).toBeUndefined();
    expect(pool.call.catch).toBeUndefined();
    expect(pool.call.finally).toBeUndefined();
    expect(pool.call[Symbol.iterator]).toBeUndefined();
    expect(pool.call.add).toBe(pool.call.add);
  });

  test("everything submitted in one turn goes in one batch", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const first = pool.call.add(1);
    const second = pool.call.add(2);
    await settle();
    const worker = environment.worker(1);
    expect(worker.runs).toHaveLength(2);
    expect(worker.batches).toBe(1);
    for (const run of worker.runs) worker.succeed(run, 0);
    await Promise.all([first, second]);
  });

  test("arguments are encoded when submitted", async () => {
    const { pool } = await stage();
    const refused = pool.run("add", [() => {}]);
    await expect(refused).rejects.toMatchObject({ code: "not-marshallable" });
    await expect(refused).rejects.toThrow(/args\[0\]/);
  });

  test("an unknown function is refused with a suggestion", async () => {
    const { pool } = await stage();
    await expect(pool.call.adds(1)).rejects.toMatchObject({
      code: "unknown-function",
      message: 'Function "adds" is not defined. Did you mean "add"?',
    });
  });

  test("what a function names must be defined", async () => {
    const { pool } = await stage(answering, {
      functions: {
        resize: "() => wpc_import('sharp')",
        label: "() => wpc_constant('PREFIX')",
      },
    });
    await expect(pool.call.resize()).rejects.toMatchObject({
      code: "missing-dependency",
      message:
        'Function "resize" needs the dependency "sharp", which is not defined. ' +
        'Define it first, or remove wpc_import("sharp").',
    });
    await expect(pool.call.label()).rejects.toMatchObject({ code: "missing-constant" });
    await pool.define({ constants: { PREFIX: "v1" } });
    await expect(pool.call.label()).resolves.toBeTypeOf("number");
  });

  test("wrong calls are refused as rejections, not thrown", async () => {
    const { pool } = await stage();
    const wrong: [Promise<unknown>, RegExp][] = [
      [pool.run("add", "no" as never), /must be an array/],
      [pool.run("add", [], { timeoutMs: 1.5 }), /timeoutMs must be a whole number/],
      [pool.run("add", [], { timeout: 1 } as never), /Did you mean "timeoutMs"/],
      [pool.run("add", [], { signal: {} as never }), /AbortSignal/],
      [pool.eval(1 as never), /source text/],
      [pool.eval("1", { type: "json" as never }), /"script" or "module"/],
      [pool.execute({} as never), /execute\(\) needs/],
    ];
    for (const [promise, message] of wrong) {
      await expect(promise).rejects.toMatchObject({ code: "invalid-argument" });
      await expect(promise).rejects.toThrow(message);
    }
  });

  test("execute gives refusals as outcomes", async () => {
    const { pool } = await stage();
    const unknown = await pool.execute({ run: "nope" });
    expect(unknown).toMatchObject({
      ok: false,
      error: { code: "unknown-function" },
      receipt: { workerId: 0, attempts: 0 },
    });
    const unmarshallable = await pool.execute({ run: "add", args: [Symbol("x")] });
    expect(unmarshallable).toMatchObject({ ok: false, error: { code: "not-marshallable" } });
  });

  test("a guest's error is a GuestError; a reach for the closure gets a hint", async () => {
    const { pool } = await stage({
      onRun: (worker, run) => worker.throwError(run, "ReferenceError", "'limit' is not defined"),
    });
    const error: SkepError = await pool.call.add().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "guest-error", name: "ReferenceError" });
    expect(error.message).toContain('pass "limit" as an argument');
    const evaluation = await pool.eval("limit").catch((reason: unknown) => reason);
    expect((evaluation as Error).message).toBe("'limit' is not defined");
  });

  test("transferred buffers are detached, others refused", async () => {
    const { pool } = await stage(answering);
    const buffer = new ArrayBuffer(8);
    await pool.run("add", [buffer], { transfer: [buffer, buffer] });
    expect(buffer.byteLength).toBe(0);
    const kept = new ArrayBuffer(8);
    const { port1 } = new MessageChannel();
    await expect(
      pool.run("add", [kept], { transfer: [kept, port1 as never] }),
    ).rejects.toMatchObject({ code: "not-marshallable" });
    expect(kept.byteLength).toBe(8);
    port1.close();
  });
});

describe("dispatching", () => {
  test("slow runs stay with the parent, by priority", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const worker = environment.worker(1);
    const order: string[] = [];
    function submit(name: string, priority: number): Promise<unknown> {
      return pool.run("add", [], { priority }).then(() => order.push(name));
    }
    const all = [submit("a", 0), submit("b", 0), submit("c", 0), submit("d", 5), submit("e", 0)];
    await settle();
    // The first window: one that runs and one behind it.
    expect(worker.runs).toHaveLength(2);
    for (let index = 0; index < 5; index++) {
      const run = worker.runs[index];
      if (run === undefined) throw new Error(`No run ${index}.`);
      worker.succeed(run, 0, { cpuMs: 100 });
      await settle();
      expect(worker.runs.length).toBeLessThanOrEqual(index + 3);
    }
    await Promise.all(all);
    expect(order).toEqual(["a", "b", "d", "c", "e"]);
  });

  test("trivial runs are sent ahead, up to the limit per worker", async () => {
    const { pool, environment } = await stage({}, { workers: 1, maxInFlightPerWorker: 8 });
    const worker = environment.worker(1);
    const warmUp = Array.from({ length: 40 }, () => pool.call.add());
    await settle();
    for (let index = 0; index < 40; index++) {
      const run = worker.runs[index];
      if (run !== undefined) worker.succeed(run, 0, { cpuMs: 0 });
      await settle();
    }
    await Promise.all(warmUp);
    const many = Array.from({ length: 20 }, () => pool.call.add());
    await settle();
    expect(worker.runs).toHaveLength(48);
    for (let index = 40; index < 60; index++) {
      const run = worker.runs[index];
      if (run !== undefined) worker.succeed(run, 0);
      await settle();
    }
    await Promise.all(many);
  });

  test("a parked run makes room", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const worker = environment.worker(1);
    const runs = [pool.call.add(), pool.call.add(), pool.call.add()];
    await settle();
    expect(worker.runs).toHaveLength(2);
    worker.send({ type: "parked", runId: worker.runs[0]!.runId });
    await settle();
    expect(worker.runs).toHaveLength(3);
    for (const run of worker.runs) worker.succeed(run, 1);
    await Promise.all(runs);
  });

  test("workers take turns", async () => {
    const { pool, environment } = await stage(answering, { workers: 3 });
    for (let index = 0; index < 6; index++) await pool.call.add();
    expect(environment.workers.map((worker) => worker.runs.length)).toEqual([2, 2, 2]);
  });

  test("a full queue refuses", async () => {
    const { pool, environment } = await stage({}, { workers: 1, queue: { max: 1 } });
    const accepted = [pool.call.add(), pool.call.add(), pool.call.add()];
    await expect(pool.call.add()).rejects.toMatchObject({ code: "queue-full" });
    const worker = environment.worker(1);
    await settle();
    for (let index = 0; index < 3; index++) {
      worker.succeed(worker.runs[index]!, 1);
      await settle();
    }
    await expect(Promise.all(accepted)).resolves.toEqual([1, 1, 1]);
    expect(pool.stats()).toMatchObject({ completed: 3, refused: 1, failed: 0 });
  });
});

describe("aborting", () => {
  test("an aborted signal is refused at once", async () => {
    const { pool, environment } = await stage();
    const reason = new Error("too late");
    const run = pool.run("add", [], { signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toMatchObject({ code: "aborted", cause: reason });
    expect(environment.runCount).toBe(0);
  });

  test("a queued run leaves the queue at once", async () => {
    const { pool, environment } = await stage({}, { workers: 1 });
    const controller = new AbortController();
    const first = [pool.call.add(), pool.call.add()];
    const queued = pool.run("add", [], { signal: controller.signal });
    controller.abort();
    await expect(queued).rejects.toMatchObject({ code: "aborted" });
    expect(pool.stats().queued).toBe(0);
    await settle();
    const worker = environment.worker(1);
    for (const run of worker.runs) worker.succeed(run, 1);
    await Promise.all(first);
    expect(worker.cancelled).toEqual([]);
  });

  test("a running run is cancelled by flag and by message", async () => {
    const script: Script = {
      onCancel: (worker, runId) => {
        const run = worker.runs.find((candidate) => candidate.runId === runId);
        if (run !== undefined) worker.fail(run, "aborted");
      },
    };
    const { pool, environment } = await stage(script, { workers: 1 }, true);
    const controller = new AbortController();
    const running = pool.run("add", [], { signal: controller.signal });
    await settle();
    const worker = environment.worker(1);
    const { slot, runId } = worker.lastRun;
    controller.abort("enough");
    expect(worker.signals?.poll(slot, runId)).toBe(true);
    await expect(running).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(worker.cancelled).toEqual([runId]);
    expect(worker.isTerminated).toBe(false);
  });

  test("a run that does not react to being aborted costs its worker", async () => {
    const { pool, environment, clock } = await stage({}, { workers: 1 });
    const controller = new AbortController();
    const running = watched(pool.run("add", [], { signal: controller.signal }));
    await settle();
    const worker = environment.worker(1);
    worker.send({ type: "entered", runId: worker.lastRun.runId });
    controller.abort();
    await clock.advance(1_000);
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    expect(worker.isTerminated).toBe(true);
    expect(pool.health()[0]).toMatchObject({ id: 2, state: "ready", restartAttempt: 0 });
  });
});

describe("events", () => {
  test("a listener that throws is reported once and harms nobody", async () => {
    const { pool } = await stage(answering);
    const warnings = record(pool, "warning");
    pool.on("run-settled", () => {
      throw new Error("oops");
    });
    const settled = record(pool, "run-settled");
    await pool.call.add();
    await pool.call.add();
    expect(settled).toHaveLength(2);
    expect(settled[0]).toMatchObject({ ok: true, name: "add", receipt: { attempts: 1 } });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toContain("oops");
  });

  test("off removes a listener", async () => {
    const { pool } = await stage(answering);
    const events: unknown[] = [];
    const off = pool.on("run-dispatched", (event) => events.push(event));
    await pool.call.add();
    off();
    await pool.call.add();
    expect(events).toMatchObject([{ workerId: 1, name: "add", attempt: 1 }]);
  });
});

test("an idle worker lets the process exit, a busy one does not", async () => {
  const { pool, environment, clock } = await stage({}, { workers: 1 });
  const worker = environment.worker(1);
  expect(worker.isKeptAlive).toBe(false);
  const run = pool.call.add();
  await settle();
  expect(worker.isKeptAlive).toBe(true);
  worker.succeed(worker.lastRun, 1);
  await run;
  await clock.advance(100);
  expect(worker.isKeptAlive).toBe(false);
});
