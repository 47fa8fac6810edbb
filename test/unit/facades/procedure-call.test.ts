import { describe, expect, onTestFinished, test } from "vitest";
import { WorkerProcedureCall as InBrowser } from "../../../src/facades/procedure-call/index.ts";
import type { WorkerEvent } from "../../../src/facades/procedure-call/events.ts";
import type { WorkerProcedureCallOptions } from "../../../src/facades/procedure-call/options.ts";
import { ProcedureCalls } from "../../../src/facades/procedure-call/procedure-calls.ts";
import { FakeClock, settle } from "../pool/fake-clock.ts";
import {
  type Script,
  ScriptedEnvironment,
  scriptedPlatform,
} from "../pool/scripted-environment.ts";

interface Stage {
  calls: ProcedureCalls;
  environment: ScriptedEnvironment;
  clock: FakeClock;
  events: WorkerEvent[];
  named: (name: string) => WorkerEvent[];
}

function stage(
  script: Script = {},
  options: WorkerProcedureCallOptions = {},
  random = (): number => 0,
): Stage {
  const environment = new ScriptedEnvironment(script);
  const clock = new FakeClock();
  const calls = new ProcedureCalls(
    { platform: scriptedPlatform(environment), environment, clock, random },
    options,
  );
  const events: WorkerEvent[] = [];
  calls.onWorkerEvent({ listener: (event) => events.push(event) });
  onTestFinished(async () => {
    const stopping = calls.stopWorkers();
    await clock.advance(20_000);
    await stopping;
  });
  const named = (name: string): WorkerEvent[] =>
    events.filter((event) => event.event_name === name);
  return { calls, environment, clock, events, named };
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("It did not reject.");
    },
    (error: unknown) => error as Error,
  );
}

const answering: Script = { onRun: (worker, run) => worker.succeed(run, worker.workerId) };

describe("options", () => {
  const positive = [
    "call_timeout_ms",
    "control_timeout_ms",
    "start_timeout_ms",
    "stop_timeout_ms",
    "max_pending_calls_per_worker",
    "restart_base_delay_ms",
    "restart_max_delay_ms",
  ];
  const nonNegative = ["max_restarts_per_worker", "restart_jitter_ms"];

  test.each(positive)("%s must be a positive integer", async (key) => {
    for (const value of [0, -1, 1.5, "10", NaN, Infinity, null]) {
      expect(() => stage({}, { [key]: value })).toThrow(
        new Error(`${key} must be a positive integer.`),
      );
    }
    const { calls } = stage();
    const error = await rejection(calls.startWorkers({ count: 1, [key]: 0 }));
    expect(error.message).toBe(`${key} must be a positive integer.`);
    expect(() => stage({}, { [key]: Number.MAX_SAFE_INTEGER })).not.toThrow();
  });

  test.each(nonNegative)("%s must be a non-negative integer", (key) => {
    for (const value of [-1, 0.5, "0"]) {
      expect(() => stage({}, { [key]: value })).toThrow(
        new Error(`${key} must be a non-negative integer.`),
      );
    }
    expect(() => stage({}, { [key]: 0 })).not.toThrow();
  });

  test("the others", async () => {
    expect(() => stage({}, { restart_on_failure: 1 as never })).toThrow(
      new Error("restart_on_failure must be a boolean."),
    );
    const { calls } = stage();
    for (const count of [0, -1, 2.5, "2", undefined]) {
      const error = await rejection(calls.startWorkers({ count: count as never }));
      expect(error.message).toBe("count must be a positive integer.");
    }
    expect((await rejection(calls.startWorkers({ count: 5_000 }))).message).toMatch("1024");
    expect(calls.getWorkerHealthStates()).toEqual([]);
    await calls.startWorkers({ count: 1, call_timeout_ms: Number.MAX_SAFE_INTEGER });
  });
});

describe("definitions that are wrong", () => {
  test.each([
    [{ alias: "a b", module_specifier: "x" }, /^alias must match \/\^\[A-Za-z_\]/],
    [{ alias: "a", module_specifier: "" }, /^module_specifier must be a non-empty string\.$/],
    [{ alias: "a", module_specifier: "x", export_name: 1 }, /^export_name must be/],
    [{ alias: "a", module_specifier: "x", is_default_export: 1 }, /^is_default_export must be/],
    [
      { alias: "a", module_specifier: "x", export_name: "b", is_default_export: true },
      /^export_name and is_default_export cannot both be set\.$/,
    ],
  ])("dependency %j", async (params, message) => {
    const { calls } = stage();
    const error = await rejection(calls.defineWorkerDependency(params as never));
    expect(error.message).toMatch(message);
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
  });

  test("functions and constants", async () => {
    const { calls } = stage();
    const messages = await Promise.all(
      [
        calls.defineWorkerFunction({ name: "1a", worker_func: () => 1 }),
        calls.defineWorkerFunction({ name: "a", worker_func: "() => 1" as never }),
        calls.defineWorkerFunction({ name: "a", worker_func: Math.max }),
        calls.defineWorkerFunction(undefined as never),
        calls.defineWorkerConstant({ name: "a-b", value: 1 }),
        calls.defineWorkerConstant({ name: "A", value: { deep: () => 1 } }),
      ].map(async (promise) => (await rejection(promise)).message),
    );
    expect(messages).toEqual([
      'name must match /^[A-Za-z_][A-Za-z0-9_]*$/, not "1a".',
      "worker_func must be a function.",
      expect.stringMatching(/^Function "a" is native or bound/),
      "defineWorkerFunction takes one object with its parameters.",
      'name must match /^[A-Za-z_][A-Za-z0-9_]*$/, not "a-b".',
      expect.stringMatching(/^Constant "A" is not serializable via structured clone: .*deep/),
    ]);
    expect(() => calls.onWorkerEvent({ listener: 1 as never })).toThrow(
      new Error("listener must be a function."),
    );
  });

  test("a browser refuses Node's modules and says what to use", async () => {
    const calls = new InBrowser();
    const node = { alias: "path_dep", module_specifier: "node:path" };
    const error = await rejection(calls.defineWorkerDependency(node));
    expect(error.message).toMatch(
      /^Dependency "path_dep" cannot be used: "node:path" is a module of Node.*http\(s\) URL/,
    );
    const bare = { alias: "lodash", module_specifier: "lodash" };
    await expect(calls.defineWorkerDependency(bare)).rejects.toThrow('cannot resolve "lodash"');
    const url = { alias: "fine", module_specifier: "https://example.com/m.js" };
    await calls.defineWorkerDependency(url);
    expect(await calls.getWorkerDependencies()).toMatchObject([{ alias: "fine" }]);
  });
});

describe("defining", () => {
  test("resolves once all ready workers have it; equal source asks nothing of them", async () => {
    let release: (() => void) | undefined;
    const script: Script = {
      ...answering,
      install: (worker, change) => {
        const result = { ok: true as const, revision: change.revision };
        if (worker.workerId !== 2 || change.define.functions.length === 0) return result;
        return new Promise((resolve) => (release = () => resolve(result)));
      },
    };
    const { calls, environment } = stage(script);
    await calls.startWorkers({ count: 2 });
    let isDefined = false;
    const worker_func = (): number => 1;
    const defining = calls
      .defineWorkerFunction({ name: "one", worker_func })
      .then(() => (isDefined = true));
    await settle();
    expect(isDefined).toBe(false);
    expect(calls.getWorkerHealthStates().map((state) => state.pending_control_count)).toEqual([
      0, 1,
    ]);
    release?.();
    await defining;
    const changes = environment.worker(1).changes.length;
    await calls.defineWorkerFunction({ name: "one", worker_func });
    expect(environment.worker(1).changes).toHaveLength(changes);
  });

  test("install order: dependencies, constants, functions, each by name", async () => {
    const { calls, environment } = stage(answering);
    for (const name of ["b", "a"]) {
      await calls.defineWorkerFunction({ name, worker_func: () => 1 });
      await calls.defineWorkerConstant({ name, value: 1 });
      await calls.defineWorkerDependency({ alias: name, module_specifier: "x" });
    }
    await calls.startWorkers({ count: 1 });
    const define = environment.worker(1).changes[0]!.define as any;
    expect(define.dependencies.map(({ alias }: any) => alias)).toEqual(["a", "b"]);
    expect(define.constants.map(({ name }: any) => name)).toEqual(["a", "b"]);
    expect(define.functions.map(({ name }: any) => name)).toEqual(["a", "b"]);
  });

  test("a definition that is caught by a stop is kept for the next start", async () => {
    const hanging: Script = {
      ...answering,
      install: (worker, change) =>
        worker.workerId === 1 && change.define.constants.length > 0
          ? new Promise(() => {})
          : { ok: true, revision: change.revision },
    };
    const { calls, clock } = stage(hanging);
    await calls.startWorkers({ count: 1 });
    const defining = calls.defineWorkerConstant({ name: "A", value: 1 });
    await settle();
    const stopping = calls.stopWorkers();
    await clock.advance(1_000);
    await stopping;
    await defining;
    await calls.startWorkers({ count: 1 });
    expect(await calls.getWorkerConstants()).toEqual([{ name: "A", installed_worker_count: 1 }]);
  });

  test("a definition that times out is named", async () => {
    const hanging: Script = {
      install: (worker, change) =>
        worker.workerId === 1 && change.define.constants.length > 0
          ? new Promise(() => {})
          : { ok: true, revision: change.revision },
    };
    const { calls, clock } = stage(hanging, { control_timeout_ms: 100 });
    await calls.startWorkers({ count: 1 });
    const caught = rejection(calls.defineWorkerConstant({ name: "A", value: 1 }));
    await clock.advance(400);
    expect((await caught).message).toMatch(
      /^Failed to install constant "A" on one or more workers: Worker 1: .*within/,
    );
  });
});

describe("calls", () => {
  test("go to the least loaded worker, and to equals in turn", async () => {
    const { calls, environment } = stage();
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 3 });
    const all = [1, 2, 3, 4].map(() => calls.call.one());
    await settle();
    expect(environment.workers.map(({ runs }) => runs.length)).toEqual([2, 1, 1]);
    for (const worker of environment.workers) for (const run of worker.runs) worker.succeed(run, 1);
    await Promise.all(all);
  });

  test("the timeout counts from the call, while no worker is there too", async () => {
    const { calls, environment, clock } = stage(
      {},
      { call_timeout_ms: 200, restart_base_delay_ms: 1_000, restart_jitter_ms: 0 },
    );
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 1 });
    environment.worker(1).crash();
    const caught = rejection(calls.call.one());
    await clock.advance(199);
    expect(calls.getWorkerHealthStates()[0]?.pending_call_count).toBe(1);
    await clock.advance(1);
    expect((await caught).message).toBe('Call to "one" timed out after 200ms.');
    expect(calls.getWorkerHealthStates()[0]?.pending_call_count).toBe(0);
    await clock.advance(1_000);
    expect(environment.worker(2).runs).toEqual([]);
  });

  test("what is undefined while a call waits ends it", async () => {
    const { calls, environment, clock } = stage(
      {},
      { restart_base_delay_ms: 5, restart_jitter_ms: 0 },
    );
    const worker_func = (): unknown => wpc_constant("A");
    await calls.defineWorkerConstant({ name: "A", value: 1 });
    await calls.defineWorkerFunction({ name: "one", worker_func });
    await calls.startWorkers({ count: 1 });
    environment.worker(1).crash();
    const caught = rejection(calls.call.one());
    // Whether the others can do without it is known once there is a worker again.
    const undefinition = calls.undefineWorkerConstant({ name: "A" });
    expect((await caught).message).toBe(
      'Function "one" requires constant "A" which is not defined.',
    );
    await clock.advance(5);
    await undefinition;
  });

  test("a call that lost its worker is not made again if it may be why; waiting ones are", async () => {
    const { calls, environment, clock } = stage({}, { restart_base_delay_ms: 5 });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 1 });
    const first = calls.call.one();
    const others = [calls.call.one(), calls.call.one(), calls.call.one()];
    await settle();
    const caught = Promise.allSettled([first, ...others]);
    environment.worker(1).crash({ reason: "Worker exited with code 9.", exitCode: 9 });
    await clock.advance(5);
    for (const run of environment.worker(2).runs) environment.worker(2).succeed(run, 7);
    const outcomes = await caught;
    expect(outcomes[0]).toMatchObject({
      status: "rejected",
      reason: { message: "Worker 1 exited with code 9." },
    });
    expect(outcomes.at(-1)).toEqual({ status: "fulfilled", value: 7 });
  });

  test("limits of the sandbox are plain errors that say so", async () => {
    const { calls, environment, named } = stage();
    await calls.defineWorkerFunction({ name: "big", worker_func: () => 1 });
    await calls.startWorkers({ count: 1 });
    const caught = rejection(calls.call.big());
    await settle();
    const worker = environment.worker(1);
    worker.fail(worker.lastRun, "memory-exceeded", "The run exceeded its memory limit.");
    const error = await caught;
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(error).toMatchObject({
      message: "The run exceeded its memory limit.",
      cause: { code: "memory-exceeded" },
    });
    expect(named("call_execution_failed")).toHaveLength(1);
  });
});

describe("restarts", () => {
  async function delays(
    options: WorkerProcedureCallOptions,
    random: () => number,
    crashes: number,
  ): Promise<unknown[]> {
    const { calls, environment, clock, named } = stage({}, options, random);
    await calls.startWorkers({ count: 1 });
    for (let crash = 1; crash <= crashes; crash++) {
      environment.worker(crash).crash();
      await clock.advance(30_000);
    }
    return named("worker_restart_scheduled").map(({ details }) => details?.["restart_delay_ms"]);
  }

  test("d = min(base * 2^(n-1), max)", async () => {
    const options = { max_restarts_per_worker: 6, restart_base_delay_ms: 100 };
    expect(
      await delays({ ...options, restart_max_delay_ms: 1_000, restart_jitter_ms: 0 }, () => 0.9, 6),
    ).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  test("plus floor(random * (jitter + 1)); weakness: there was none at the cap", async () => {
    const options = { restart_base_delay_ms: 100, restart_max_delay_ms: 150 };
    expect(await delays({ ...options, restart_jitter_ms: 10 }, () => 0.99, 3)).toEqual([
      110, 160, 160,
    ]);
  });

  test("weakness: the budget never recovered, and the pool shrank to nothing", async () => {
    const { calls, environment, clock, named } = stage(answering, {
      max_restarts_per_worker: 1,
      restart_jitter_ms: 0,
    });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 1 });
    for (let crash = 1; crash <= 5; crash++) {
      environment.worker(crash).crash();
      await clock.advance(100);
      expect(calls.getWorkerHealthStates()).toMatchObject([
        { worker_id: crash + 1, health_state: "ready", restart_attempt: 1 },
      ]);
      await clock.advance(60_000);
      expect(calls.getWorkerHealthStates()).toMatchObject([{ restart_attempt: 0 }]);
    }
    expect(named("worker_restart_exhausted")).toEqual([]);
    expect(await calls.call.one()).toBe(6);
  });

  test("failed replacements count, and the last one is said to be the last", async () => {
    const script: Script = {
      initialise: (worker) =>
        worker.workerId > 1 ? Promise.reject(new Error("no engine")) : undefined,
    };
    const { calls, environment, clock, named } = stage(script, { max_restarts_per_worker: 2 });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 1 });
    environment.worker(1).crash({ reason: "gone", cause: new TypeError("inside") });
    const waiting = rejection(calls.call.one());
    await clock.advance(1_000);
    expect(named("worker_error")).toMatchObject([
      { worker_id: 1, error: { name: "TypeError", message: "inside" } },
    ]);
    expect(named("worker_restart_failed").map(({ details }) => details)).toEqual([
      { restart_attempt: 1, exhausted: false },
      { restart_attempt: 2, exhausted: true },
    ]);
    expect(named("worker_restart_exhausted")).toMatchObject([
      { worker_id: 3, details: { max_restarts_per_worker: 2 } },
    ]);
    expect((await waiting).message).toBe(
      'No ready workers with function "one" installed are available.',
    );
  });
});

describe("events", () => {
  test("health states and malformed messages", async () => {
    const { calls, environment, clock, named } = stage({}, { call_timeout_ms: 100 });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    await calls.startWorkers({ count: 2 });
    environment.worker(1).sendRaw(99, 0, 0, 0, 0);
    environment.worker(2).sendRaw(1, 0);
    await clock.advance(0);
    expect(named("unknown_worker_message")).toMatchObject([
      { worker_id: 1, source: "parent", severity: "error" },
    ]);
    expect(named("malformed_worker_message")).toMatchObject([{ worker_id: 2 }]);
    const states = named("worker_health_state_changed").map(({ worker_id, details }) => [
      worker_id,
      details?.["health_state"],
    ]);
    expect(states).toEqual([
      [1, "starting"],
      [2, "starting"],
      [1, "ready"],
      [2, "ready"],
      [1, "restarting"],
      [2, "restarting"],
    ]);
  });

  test("offWorkerEvent removes one listener; unknown numbers are ignored", async () => {
    const { calls } = stage();
    const seen: string[] = [];
    const first = calls.onWorkerEvent({ listener: () => seen.push("first") });
    const second = calls.onWorkerEvent({ listener: () => seen.push("second") });
    expect([typeof first, second]).toEqual(["number", first + 1]);
    calls.offWorkerEvent({ listener_id: first });
    calls.offWorkerEvent({ listener_id: 99 });
    await calls.startWorkers({ count: 1 });
    expect(new Set(seen)).toEqual(new Set(["second"]));
  });
});
