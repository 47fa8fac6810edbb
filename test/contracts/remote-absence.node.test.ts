/** Pools whose machines are all gone: they wait for another, for so long, and say what they wait for. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createPool, type Pool } from "skep";
import { type JoinedServer, joinServer } from "skep/remote-worker";
import { remote, type RemoteOptions, WorkerServer } from "skep/worker-server";

const START_TIMEOUT_MS = 2_000;

interface Scene {
  pool: Pool;
  /** The machine that the pool has started on. */
  machine: JoinedServer;
  join(this: void): JoinedServer;
}

async function setUp(options: RemoteOptions): Promise<Scene> {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => server.stop({ drainTimeoutMs: 0 }));
  await server.start();
  function join(): JoinedServer {
    const joined = joinServer({ url: `ws://127.0.0.1:${server.port}`, workers: 1 });
    onTestFinished(() => joined.close());
    return joined;
  }
  const machine = join();
  await machine.ready;
  const pool = await createPool({
    environment: remote(server, options),
    workers: 1,
    startTimeoutMs: START_TIMEOUT_MS,
    restart: { maxPerWorker: 1, baseDelayMs: 1, jitterMs: 0 },
    functions: { add: (a: number, b: number) => a + b },
  });
  onTestFinished(() => pool.close({ force: true }));
  return { pool, machine, join };
}

function told(pool: Pool, name: "worker-waiting" | "worker-restarts-exhausted"): Promise<unknown> {
  return new Promise((resolve) => pool.on(name, resolve));
}

it("runs wait for the next machine, at the cost of no restart", async () => {
  const { pool, machine, join } = await setUp({});
  const waiting = told(pool, "worker-waiting");
  await machine.close();
  const call = pool.call.add(1, 2);
  expect(await waiting).toMatchObject({ reason: expect.stringContaining("no machine has joined") });
  expect(pool.health()).toMatchObject([
    { state: "starting", waitsFor: expect.stringContaining("joinServer()"), restartAttempt: 1 },
  ]);
  expect(pool.stats().queued).toBe(1);

  // Longer than a start may take, after which there would be no restart left.
  await delay(START_TIMEOUT_MS * 1.1);
  join();
  expect(await call).toBe(3);
  expect(pool.health()).toMatchObject([{ state: "ready", waitsFor: undefined, restarts: 1 }]);
});

it("when none has come in time, everything is told so", async () => {
  const { pool, machine } = await setUp({ machineTimeoutMs: 100 });
  const over = told(pool, "worker-restarts-exhausted");
  await machine.close();
  const call = pool.call.add(1, 2).catch((error: unknown) => error);
  await over;
  const error = await call;
  expect(error).toMatchObject({ code: "worker-lost" });
  expect(String(error)).toContain(
    "none came. The remote worker could not start within 100 ms: no machine has joined",
  );
  await expect(pool.call.add(1, 2)).rejects.toMatchObject({ code: "worker-lost" });
  expect(pool.health()).toMatchObject([{ state: "stopped", waitsFor: undefined }]);
});

it("closing ends the wait, and nothing is left that would hold the process or take a worker", async () => {
  const { pool, machine, join } = await setUp({ machineTimeoutMs: 0 });
  const waiting = told(pool, "worker-waiting");
  await machine.close();
  await waiting;
  const call = pool.call.add(1, 2).catch((error: unknown) => error);
  await pool.close({ force: true });
  expect(await call).toMatchObject({ code: "closed" });
  const next = join();
  await next.ready;
  expect(next.status().lent).toBe(0);
});

it("refuses times that are none", async () => {
  const server = new WorkerServer({ port: 0 });
  for (const machineTimeoutMs of [-1, 0.5, 2 ** 31, Number.NaN, "5" as never]) {
    expect(() => remote(server, { machineTimeoutMs })).toThrow("remote: machineTimeoutMs must be");
  }
});
