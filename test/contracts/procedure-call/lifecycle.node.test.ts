import { describe, expect, test } from "vitest";
import { create, defineExit, logEvents, rejection, started } from "./started.ts";

const TRANSITION = "Workers are already started or currently transitioning.";

describe("stopping", () => {
  test("weakness: calls in flight were killed; now they end first, waiting ones too", async () => {
    const calls = await started({
      slow: async (value: number) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        return value;
      },
      busy: (value: number) => {
        const end = Date.now() + 15;
        while (Date.now() < end);
        return value;
      },
    });
    const pending = [calls.call.slow(1), ...[2, 3, 4, 5, 6].map((value) => calls.call.busy(value))];
    const stopping = calls.stopWorkers();
    expect((await rejection(calls.call.slow(7))).message).toBe(
      "Workers are not running. Start workers before invoking calls.",
    );
    expect(await Promise.all(pending)).toEqual([1, 2, 3, 4, 5, 6]);
    await stopping;
    expect(calls.getWorkerHealthStates()).toEqual([]);
  });

  test("waits no longer than stop_timeout_ms", async () => {
    const calls = await started({ never: () => new Promise(() => {}) }, { stop_timeout_ms: 50 });
    const caught = rejection(calls.call.never());
    await calls.stopWorkers();
    expect((await caught).message).toBe('Workers were stopped before the call to "never" ended.');
  });

  test("is idempotent, and joins a stop in progress", async () => {
    const calls = await started();
    const first = calls.stopWorkers();
    expect(calls.stopWorkers()).toBe(first);
    expect((await rejection(calls.startWorkers({ count: 1 }))).message).toBe(TRANSITION);
    await first;
    await calls.stopWorkers();
    await create().stopWorkers();
  });
});

describe("starting", () => {
  test("twice is refused, and definitions outlive the workers", async () => {
    const calls = await started({ one: () => 1 });
    expect((await rejection(calls.startWorkers({ count: 1 }))).message).toBe(TRANSITION);
    await calls.stopWorkers();
    expect(await calls.getRemoteFunctions()).toMatchObject([{ installed_worker_count: 0 }]);
    await calls.defineWorkerFunction({ name: "two", worker_func: () => 2 });
    await calls.startWorkers({ count: 2, call_timeout_ms: 5_000 });
    expect(await Promise.all([calls.call.one(), calls.call.two()])).toEqual([1, 2]);
    // Numbers of workers are never used twice.
    expect(calls.getWorkerHealthStates().map(({ worker_id }) => worker_id)).toEqual([2, 3]);
  });

  test("weakness: a stop that raced a start could leave workers running", async () => {
    const calls = create({});
    for (const moment of ["at once", "spawned", "ready"]) {
      const starting = rejection(calls.startWorkers({ count: 2 }));
      if (moment !== "at once") {
        await new Promise<void>((resolve) => {
          const listener_id = calls.onWorkerEvent({
            listener: ({ event_name }) => {
              if (event_name !== `worker_${moment}`) return;
              calls.offWorkerEvent({ listener_id });
              resolve();
            },
          });
        });
      }
      await calls.stopWorkers();
      expect((await starting).message).toMatch(/stopped|closed/);
      expect(calls.getWorkerHealthStates()).toEqual([]);
      expect((await rejection(calls.call.one())).message).toMatch("Workers are not running.");
    }
    await calls.startWorkers({ count: 1 });
  });

  test("the workers' lives are told in order", async () => {
    const calls = create();
    const log = logEvents(calls);
    await calls.startWorkers({ count: 1 });
    await calls.stopWorkers();
    const told = log.events.map(({ event_id, source, event_name, severity, details }) => [
      event_id,
      source,
      event_name,
      severity,
      details,
    ]);
    expect(told).toEqual([
      ["event_1", "parent", "worker_spawned", "info", { restart_attempt: 0 }],
      [
        "event_2",
        "parent",
        "worker_health_state_changed",
        "info",
        { health_state: "starting", reason: "spawned" },
      ],
      [
        "event_3",
        "parent",
        "worker_health_state_changed",
        "info",
        { health_state: "ready", reason: expect.any(String) },
      ],
      ["worker_1_1", "worker", "worker_ready", "info", undefined],
      ["worker_1_2", "worker", "worker_shutdown_requested", "info", undefined],
      [
        "event_4",
        "parent",
        "worker_health_state_changed",
        "info",
        { health_state: "stopped", reason: expect.any(String) },
      ],
      ["event_5", "parent", "worker_exited", "info", { exit_code: 0, failure_reason: null }],
    ]);
  });

  test("a listener that throws harms nobody", async () => {
    const calls = create();
    calls.onWorkerEvent({
      listener: () => {
        throw new Error("mine");
      },
    });
    const log = logEvents(calls);
    await calls.startWorkers({ count: 1 });
    expect(log.named("worker_ready")).toHaveLength(1);
  });
});

describe("restarts", () => {
  test("weakness: no queue while restarting; calls now wait for the replacement", async () => {
    const calls = await started(
      { join: async (a: string) => ((await wpc_import("path")) as any).join(a, "x") },
      {
        restart_base_delay_ms: 20,
        restart_jitter_ms: 0,
      },
    );
    await calls.defineWorkerDependency({ alias: "path", module_specifier: "node:path" });
    await defineExit(calls);
    const log = logEvents(calls);
    await rejection(calls.call.exit(1));
    expect(calls.getWorkerHealthStates()).toMatchObject([
      { worker_id: 1, health_state: "restarting", restart_attempt: 1 },
    ]);
    const waiting = calls.call.join("a");
    expect(calls.getWorkerHealthStates()[0]?.pending_call_count).toBe(1);
    expect(await waiting).toBe("a/x");
    const restart = await log.seen("worker_restart_completed");
    expect(restart).toMatchObject({ worker_id: 2, details: { restart_attempt: 1 } });
    expect(log.named("worker_restart_scheduled")).toMatchObject([
      { worker_id: 1, details: { restart_attempt: 1, restart_delay_ms: 20 } },
    ]);
    expect(calls.getWorkerHealthStates()).toMatchObject([
      { worker_id: 2, health_state: "ready", restart_attempt: 1 },
    ]);
  });

  test("when the restarts are used up, calls are refused", async () => {
    const calls = await started(
      { one: () => 1 },
      {
        max_restarts_per_worker: 1,
        restart_base_delay_ms: 1,
        restart_jitter_ms: 0,
      },
    );
    await defineExit(calls);
    const log = logEvents(calls);
    await rejection(calls.call.exit(1));
    await log.seen("worker_restart_completed");
    await rejection(calls.call.exit(2));
    await log.seen("worker_restart_exhausted", { max_restarts_per_worker: 1 });
    expect((await rejection(calls.call.one())).message).toBe(
      'No ready workers with function "one" installed are available.',
    );
    expect(calls.getWorkerHealthStates()).toMatchObject([
      { worker_id: 2, health_state: "stopped" },
    ]);
    // What is defined without workers is there when there are some again.
    await calls.defineWorkerFunction({ name: "two", worker_func: () => 2 });
    await calls.stopWorkers();
    await calls.startWorkers({ count: 1 });
    expect(await calls.call.two()).toBe(2);
  });

  test("restart_on_failure: false leaves a worker's place empty", async () => {
    const calls = await started({ one: () => 1 }, { count: 2, restart_on_failure: false });
    await defineExit(calls);
    const log = logEvents(calls);
    await rejection(calls.call.exit(1));
    expect(log.named("worker_restart_scheduled")).toEqual([]);
    expect(log.named("worker_restart_exhausted")).toEqual([]);
    const states = calls.getWorkerHealthStates().map(({ health_state }) => health_state);
    expect(states.sort()).toEqual(["ready", "stopped"]);
    expect(await calls.call.one()).toBe(1);
  });
});
