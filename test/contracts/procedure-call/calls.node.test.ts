import { describe, expect, test, vi } from "vitest";
import { create, defineExit, logEvents, rejection, started } from "./started.ts";

const forever = () => {
  for (;;);
};
const never = () => new Promise(() => {});

/** The promise itself, its rejection expected later. */
function watched<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

describe("weakness: a timed-out call bricked its worker and was never stopped", () => {
  test.each([
    ["that never yields", forever],
    ["that waits for ever", never],
  ])("a call %s is stopped, and a pool of one serves on", async (_what, hang) => {
    const calls = await started(
      { hang, add: (a: number, b: number) => a + b },
      {
        call_timeout_ms: 250,
      },
    );
    const log = logEvents(calls);
    const error = await rejection(calls.call.hang());
    expect(error.message).toBe('Call to "hang" timed out after 250ms.');
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(await calls.call.add(1, 2)).toBe(3);
    expect(calls.getWorkerHealthStates()).toMatchObject([
      { worker_id: 1, health_state: "ready", pending_call_count: 0, restart_attempt: 0 },
    ]);
    expect(log.named("worker_exited")).toEqual([]);
    await calls.defineWorkerFunction({ name: "late", worker_func: () => "installed" });
    expect(await calls.call.late()).toBe("installed");
  });

  test("a call that blocks inside a host module costs its worker, not the pool", async () => {
    const calls = await started({}, { call_timeout_ms: 100 });
    await calls.defineWorkerDependency({
      alias: "blocking",
      module_specifier:
        "data:text/javascript,export function block() { " +
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); }",
    });
    await calls.defineWorkerFunction({
      name: "block",
      worker_func: async () => ((await wpc_import("blocking")) as any).block(),
    });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    const log = logEvents(calls);
    const error = await rejection(calls.call.block());
    expect(error.message).toBe('Call to "block" timed out after 100ms.');
    const { worker_id } = await log.seen("worker_restart_completed");
    expect(worker_id).toBe(2);
    expect(await calls.call.one()).toBe(1);
  });

  test("the time a call waits for a worker counts", async () => {
    const calls = await started({ forever, one: () => 1 }, { call_timeout_ms: 250 });
    const errors = await Promise.all([1, 2, 3, 4].map(() => rejection(calls.call.forever())));
    expect(new Set(errors.map(({ message }) => message))).toEqual(
      new Set(['Call to "forever" timed out after 250ms.']),
    );
    expect(await calls.call.one()).toBe(1);
  });
});

describe("what a function throws", () => {
  test("weakness: instanceof, code and cause were lost", async () => {
    const calls = await started({
      fail: () => {
        const error = new TypeError("bad input", { cause: new RangeError("too long") });
        throw Object.assign(error, { code: "E_INPUT", field: "name" });
      },
    });
    const error = await rejection(calls.call.fail());
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      name: "TypeError",
      message: "bad input",
      code: "E_INPUT",
      data: { field: "name" },
    });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause.message).toBe("too long");
    expect(error.stack).toMatch(/^TypeError: bad input\n\s+at .*fail\.js:/);
    expect(error.stack).not.toMatch(/file:|node:/);
  });

  test("names of its own come through, and what is no error has a message", async () => {
    const calls = await started({
      custom: () => {
        class WorkerBoom extends Error {
          override name = "WorkerBoom";
        }
        throw new WorkerBoom("intentional");
      },
      aggregate: () => {
        throw new AggregateError([new Error("one")], "several");
      },
      text: () => {
        throw "just text";
      },
      object: () => {
        throw { status: 404 };
      },
    });
    const custom = await rejection(calls.call.custom());
    expect(custom).toMatchObject({ name: "WorkerBoom", message: "intentional" });
    expect(Object.getPrototypeOf(custom)).toBe(Error.prototype);
    expect(await rejection(calls.call.aggregate())).toBeInstanceOf(AggregateError);
    expect(await rejection(calls.call.text())).toMatchObject({
      name: "Error",
      message: "just text",
      data: { value: "just text" },
    });
    expect(await rejection(calls.call.object())).toMatchObject({ data: { status: 404 } });
  });

  test("is reported as an event that carries the call", async () => {
    const calls = await started({
      fine: () => 1,
      fail: () => {
        throw new RangeError("no");
      },
    });
    const log = logEvents(calls);
    await calls.call.fine();
    await rejection(calls.call.fail());
    expect(log.named("call_execution_failed")).toEqual([
      {
        event_id: expect.stringMatching(/^worker_1_\d+$/),
        worker_id: 1,
        source: "worker",
        event_name: "call_execution_failed",
        severity: "error",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        correlation_id: "call_2",
        error: { name: "RangeError", message: "no", stack: expect.stringMatching("RangeError") },
        details: { function_name: "fail" },
      },
    ]);
  });

  test("a stray failure of a host module is an event, not the worker's end", async () => {
    const calls = await started();
    await calls.defineWorkerDependency({
      alias: "stray",
      module_specifier:
        "data:text/javascript,export function fail(wait) { return new Promise((done) => { " +
        'setTimeout(() => { setTimeout(done, 5, "alive"); throw new TypeError("late") }, 1); ' +
        'Promise.reject(new RangeError("unheard")); }); }',
    });
    await calls.defineWorkerFunction({
      name: "stray",
      worker_func: async () => ((await wpc_import("stray")) as any).fail(),
    });
    const log = logEvents(calls);
    expect(await calls.call.stray()).toBe("alive");
    expect((await log.seen("uncaught_exception")).error).toEqual({
      name: "TypeError",
      message: "late",
    });
    expect((await log.seen("unhandled_rejection")).error).toEqual({
      name: "RangeError",
      message: "unheard",
    });
    expect(log.named("worker_exited")).toEqual([]);
  });

  test("console lines of a function appear on the console", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const calls = await started({ warn: () => console.warn("careful", 1) });
    await calls.call.warn();
    expect(warn).toHaveBeenCalledWith("careful 1");
    warn.mockRestore();
  });
});

describe("eligibility", () => {
  test("requirements are looked up before a call is sent", async () => {
    const calls = await started({
      single: async () => wpc_import("one"),
      alias: async () => wpc_import({ alias: "two" }),
      constant: () => wpc_constant("THREE"),
    });
    expect((await rejection(calls.call.single())).message).toBe(
      'Function "single" requires dependency alias "one" which is not defined.',
    );
    expect((await rejection(calls.call.alias())).message).toBe(
      'Function "alias" requires dependency alias "two" which is not defined.',
    );
    expect((await rejection(calls.call.constant())).message).toBe(
      'Function "constant" requires constant "THREE" which is not defined.',
    );
  });

  test("weakness: comments counted, and backticks did not", async () => {
    const calls = await started({
      commented: () => {
        // wpc_import("gone"), context.constants.GONE
        /* wpc_constant('GONE') */
        return "wpc_import('gone')";
      },
      backtick: async () => wpc_import(`missing`),
    });
    expect(await calls.call.commented()).toBe("wpc_import('gone')");
    expect((await rejection(calls.call.backtick())).message).toBe(
      'Function "backtick" requires dependency alias "missing" which is not defined.',
    );
  });

  test("saturation counts every pending call, and passes", async () => {
    const calls = await started(
      { never, one: () => 1 },
      {
        count: 2,
        max_pending_calls_per_worker: 2,
        call_timeout_ms: 250,
      },
    );
    const pending = [1, 2, 3, 4].map(() => watched(calls.call.never()));
    const states = calls.getWorkerHealthStates();
    expect(states.map(({ pending_call_count }) => pending_call_count)).toEqual([2, 2]);
    const error = await rejection(calls.call.one());
    expect(error.message).toBe(
      'All workers are saturated for "one" (2 pending call limit per worker reached).',
    );
    await Promise.all(pending.map(rejection));
    expect(await calls.call.one()).toBe(1);
  });

  test("calls are spread evenly", async () => {
    const calls = await started({ one: () => 1 }, { count: 3 });
    await Promise.all(Array.from({ length: 30 }, () => calls.call.one()));
    await calls.stopWorkers();
    await calls.startWorkers({ count: 3, max_pending_calls_per_worker: 1 });
    const all = [1, 2, 3].map(() => calls.call.one());
    const counts = calls.getWorkerHealthStates().map((state) => state.pending_call_count);
    expect(counts).toEqual([1, 1, 1]);
    await Promise.all(all);
  });
});

describe("the call surface", () => {
  test("is no promise and nothing to iterate", async () => {
    const calls = create();
    for (const key of ["then", "catch", "finally", Symbol.iterator, Symbol.toPrimitive]) {
      expect(calls.call[key]).toBeUndefined();
    }
    expect(await Promise.resolve(calls.call)).toBe(calls.call);
  });

  test("refuses calls while no workers run, and names that are not defined", async () => {
    const calls = create();
    const text = "Workers are not running. Start workers before invoking calls.";
    expect((await rejection(calls.call.one())).message).toBe(text);
    await calls.startWorkers({ count: 1 });
    expect((await rejection(calls.call.constructor())).message).toBe(
      'Function "constructor" is not defined.',
    );
    await calls.stopWorkers();
    expect((await rejection(calls.call.one())).message).toBe(text);
  });

  test("arguments that cannot cross are refused, with their path; results too", async () => {
    const calls = await started({ echo: (value: unknown) => value, leak: () => ({ f: () => 1 }) });
    const error = await rejection(calls.call.echo({ handler: () => 1 }));
    expect(error.message).toMatch(
      /^Argument list of "echo" is not serializable via structured clone: .*handler/,
    );
    expect((await rejection(calls.call.leak())).message).toMatch("f");
    const value = { map: new Map([[1, new Date(5)]]), bytes: new Uint8Array([1, 2]) };
    expect(await calls.call.echo(value)).toEqual(value);
  });

  test("weakness: arguments were cloned twice; now they are read once", async () => {
    const calls = await started({ echo: (value: { count: number }) => value.count });
    let reads = 0;
    const value = {
      get count() {
        return ++reads;
      },
    };
    await calls.call.echo(value);
    expect(reads).toBe(1);
  });
});

test("a call whose worker exits is told so, and is not made again", async () => {
  const calls = await started({ one: () => 1 }, { restart_base_delay_ms: 1, restart_jitter_ms: 0 });
  await defineExit(calls);
  const log = logEvents(calls);
  const error = await rejection(calls.call.exit(3));
  expect(error.message).toBe("Worker 1 exited with code 3.");
  expect(await calls.call.one()).toBe(1);
  expect(log.named("worker_exited")).toMatchObject([
    {
      source: "parent",
      severity: "error",
      event_id: expect.stringMatching(/^event_\d+$/),
      details: { exit_code: 3, failure_reason: "Worker exited with code 3." },
    },
  ]);
});
