/** Environments that cannot start workers: always, sometimes, or from some time on. */
import { describe, expect, test } from "vitest";
import type { Environment, WorkerHandle } from "../../../src/environments/contract.ts";
import { createPoolOn } from "../../../src/pool/create-pool.ts";
import type { PoolOptions } from "../../../src/pool/options.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";
import { answering, record, stage, stateOf, watched } from "./stage.ts";

/** An environment whose `open()` is the user's own. */
function ownEnvironment(open: (workerId: number) => unknown): {
  environment: Environment;
  opened: () => number;
} {
  let opened = 0;
  const scripted = new ScriptedEnvironment(answering);
  const environment: Environment = {
    name: "own",
    threaded: true,
    stackBytes: { sync: 1, asyncify: 1 },
    open: (spec) => {
      opened++;
      return (open(spec.workerId) as Promise<WorkerHandle> | undefined) ?? scripted.open(spec);
    },
  };
  return { environment, opened: () => opened };
}

const OPTIONS: PoolOptions = { workers: 2, functions: { add: "() => 1" } };
const RESTART = { maxPerWorker: 3, baseDelayMs: 10, maxDelayMs: 40, jitterMs: 0 };

describe("workers that cannot start", () => {
  test.each<[string, (workerId: number) => unknown, RegExp]>([
    [
      "rejects",
      () => Promise.reject(new Error("no threads")),
      /^Worker 1 could not start: no threads$/,
    ],
    [
      "throws",
      () => {
        throw new TypeError("blocked by the Content Security Policy");
      },
      /^Worker 1 could not start: blocked by the Content Security Policy$/,
    ],
    ["rejects with no error", () => Promise.reject("gone"), /^Worker 1 could not start: gone$/],
    ["resolves with no worker", () => Promise.resolve({}), /^Worker 1 could not start: /],
  ])("open() %s: createPool() rejects with the reason, once", async (_how, open, message) => {
    const { environment, opened } = ownEnvironment(open);
    const clock = new FakeClock();
    const creation = createPoolOn(scriptedPlatform(environment), OPTIONS, { clock });
    await expect(creation).rejects.toMatchObject({ code: "unsupported-environment" });
    await expect(creation).rejects.toThrow(message);
    await clock.advance(100_000);
    expect(opened()).toBe(2);
  });

  test("a cause is passed on", async () => {
    const cause = new RangeError("WebAssembly.Memory(): could not allocate memory");
    const environment = new ScriptedEnvironment({ initialise: () => Promise.reject(cause) });
    const creation = createPoolOn(scriptedPlatform(environment), OPTIONS);
    await expect(creation).rejects.toMatchObject({ cause });
    await expect(creation).rejects.toThrow(/could not allocate memory/);
  });

  test("an engine that cannot be loaded opens no worker for good", async () => {
    const environment = new ScriptedEnvironment();
    const platform = {
      ...scriptedPlatform(environment),
      loadEngine: () => Promise.reject(new Error("bad wasm")),
    };
    await expect(createPoolOn(platform, OPTIONS)).rejects.toThrow("bad wasm");
    expect(environment.workers.every(({ isTerminated }) => isTerminated)).toBe(true);
  });

  test("a worker that never can is given up while the other serves", async () => {
    const { environment, opened } = ownEnvironment((workerId) =>
      workerId === 1 ? undefined : Promise.reject(new Error("one thread is all there is")),
    );
    const clock = new FakeClock();
    const pool = await createPoolOn(
      scriptedPlatform(environment),
      { ...OPTIONS, restart: RESTART },
      { clock },
    );
    const failed = record(pool, "worker-restart-failed");
    const exhausted = record(pool, "worker-restarts-exhausted");
    await clock.advance(100_000);
    expect(failed.map(({ attempt, exhausted: isLast }) => [attempt, isLast])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(failed[0]?.reason).toBe("Worker 3 could not start: one thread is all there is");
    expect(exhausted).toEqual([{ workerId: 5, maxPerWorker: 3 }]);
    expect(opened()).toBe(5);
    expect(pool.health().map(({ state }) => state)).toEqual(["ready", "stopped"]);
    await expect(pool.run("add")).resolves.toBeTypeOf("number");
    await pool.close();
  });

  test("workers that start every other time are all there in the end", async () => {
    const { environment } = ownEnvironment((workerId) =>
      workerId % 2 === 0 ? Promise.reject(new Error("busy")) : undefined,
    );
    const clock = new FakeClock();
    const pool = await createPoolOn(
      scriptedPlatform(environment),
      { ...OPTIONS, workers: 4, restart: RESTART },
      { clock },
    );
    await clock.advance(1_000);
    expect(pool.health().every(({ state }) => state === "ready")).toBe(true);
    await pool.close();
  });

  test("when none can from some time on, the pool ends, and says why to everybody", async () => {
    let isBroken = false;
    const { pool, environment, clock } = await stage(
      {
        initialise: () => {
          if (isBroken) throw new Error("CSP: wasm-unsafe-eval is not allowed");
        },
      },
      { ...OPTIONS, restart: RESTART },
    );
    const exhausted = record(pool, "worker-restarts-exhausted");
    isBroken = true;
    const run = watched(pool.run("add"));
    const definition = pool.define({ functions: { late: "() => 1" } });
    await settle();
    for (const worker of environment.workers.slice()) worker.crash();
    const later = watched(pool.define({ functions: { later: "() => 1" } }));
    await clock.advance(100_000);
    await definition.catch(() => {});
    expect(exhausted).toHaveLength(2);
    expect(environment.workers).toHaveLength(2 + 2 * 3);
    expect(environment.workers.every((worker) => worker.isTerminated || worker.workerId <= 2)).toBe(
      true,
    );
    await expect(run).rejects.toThrow(/No worker is left.*wasm-unsafe-eval is not allowed/);
    await expect(pool.run("add")).rejects.toMatchObject({ code: "worker-lost" });
    expect(await stateOf(later)).toBe("worker-lost");
    await pool.close();
  });

  test("a worker that opens too late is ended", async () => {
    const late: (() => void)[] = [];
    const environment = new ScriptedEnvironment({
      open: () => new Promise<void>((resolve) => late.push(resolve)),
    });
    const clock = new FakeClock();
    const creation = watched(createPoolOn(scriptedPlatform(environment), OPTIONS, { clock }));
    await clock.advance(10_000);
    expect(await stateOf(creation)).toBe("unsupported-environment");
    for (const open of late) open();
    await settle();
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });

  test("an initialise that never answers is given up", async () => {
    const environment = new ScriptedEnvironment({ initialise: () => new Promise(() => {}) });
    const clock = new FakeClock();
    const creation = watched(
      createPoolOn(scriptedPlatform(environment), { ...OPTIONS, startTimeoutMs: 500 }, { clock }),
    );
    await clock.advance(500);
    await clock.advance(500);
    await expect(creation).rejects.toThrow(/did not start its engine within 500 ms/);
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });
});
