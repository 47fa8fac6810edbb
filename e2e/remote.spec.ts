// Browser tabs as machines that lend their workers, and chaos among machines of all kinds.
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@playwright/test";
import { createPool, type Pool, type SkepError } from "skep";
import { remote, WorkerServer, type WorkerServerOptions } from "skep/worker-server";
import { Machine } from "../test/machines/machine.ts";
import { Proxy } from "../test/machines/proxy.ts";
import { TabServer } from "./tab.ts";

const FUNCTIONS = {
  add: "(a, b) => a + b",
  spin: "(ms) => { for (;;); }",
  work: "(n) => { let sum = 0; for (let i = 0; i < 20000; i++) sum = (sum + i * n) % 1000003; return sum; }",
  later: "async (n) => { await new Promise((resolve) => setTimeout(resolve, n % 5)); return n; }",
  ask: "async (n) => (await host.double(n)) + 1",
  big: "(bytes) => { const copy = bytes.slice(); copy[0] = 7; return copy; }",
};

const WORK = (n: number): number => {
  let sum = 0;
  for (let i = 0; i < 20_000; i++) sum = (sum + i * n) % 1_000_003;
  return sum;
};

const double = (n: number): number => n * 2;

async function serve(options: Partial<WorkerServerOptions> = {}): Promise<WorkerServer> {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1", authToken: "t", ...options });
  await server.start();
  return server;
}

for (const isolated of [true, false]) {
  test(`a tab ${isolated ? "with" : "without"} shared memory lends its workers`, async ({
    page,
  }) => {
    const [server, tabs] = await Promise.all([serve(), TabServer.start(isolated)]);
    let pool: Pool | undefined;
    try {
      const url = `ws://127.0.0.1:${server.port}`;
      await page.goto(tabs.url({ url, token: "t", workers: 2, name: "tab" }));
      pool = await createPool({
        environment: remote(server),
        workers: 2,
        functions: FUNCTIONS,
        host: { double },
        limits: { timeoutMs: 10_000 },
      });
      expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolated);
      expect(await Promise.all([pool.call.add(1, 2), pool.run("work", [3])])).toEqual([3, WORK(3)]);
      expect(await pool.run("ask", [20])).toBe(41);
      const bytes = new Uint8Array(3_000_000);
      const copy: Uint8Array = await pool.run("big", [bytes]);
      expect(Array.from(copy.subarray(0, 2))).toEqual([7, 0]);
      const spinning = pool.run("spin", [], { timeoutMs: 200 });
      await expect(spinning).rejects.toMatchObject({ code: "timeout" });
      const session = await pool.session();
      await session.eval("globalThis.x = 20");
      expect(await session.eval("x + 1")).toBe(21);
      await session.close();

      // A tab that goes says so: nobody waits for a heartbeat.
      const gone = new Promise((resolve) => server.onWorkerDisconnected(resolve));
      await page.goto("about:blank");
      await gone;
      expect(server.getWorkerCount()).toBe(0);
    } finally {
      await pool?.close({ force: true });
      await server.stop({ drainTimeoutMs: 0 });
      tabs.close();
    }
  });
}

/** `npm run chaos` asks for many, and may repeat a seed. */
const CALLS = Number(process.env["SKEP_CHAOS_CALLS"] ?? 1_500);
const SEED = Number(process.env["SKEP_CHAOS_SEED"] ?? Date.now() % 1_000_000);

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** At least so many, spread over the calls. */
const INCIDENTS = 8;

test(`chaos: ${CALLS} calls settle once each while machines come and go`, async ({ page }) => {
  test.setTimeout(60_000 + CALLS * 20);
  const random = seeded(SEED);
  const times = { heartbeatTimeoutMs: 1_000, healthCheckIntervalMs: 200, heartbeatIntervalMs: 200 };
  const [server, tabs] = await Promise.all([
    serve({ ...times, pingTimeoutMs: 1_000 }),
    TabServer.start(true),
  ]);
  const proxy = await Proxy.to(server.port);
  const options = {
    url: proxy.url,
    token: "t",
    workers: 2,
    reconnect: { baseDelayMs: 20, maxDelayMs: 200, jitterMs: 50 },
    drainOnSigterm: true,
    drainTimeoutMs: 2_000,
  };
  const machines = Array.from({ length: 3 }, () => new Machine(options));
  await page.goto(
    tabs.url({ ...options, url: `ws://127.0.0.1:${server.port}`, drainOnSigterm: false }),
  );
  const counts = { killed: 0, stopped: 0, cut: 0, drained: 0, joined: 0, reloaded: 0 };
  let pool: Pool | undefined;
  const order = { isOver: false };
  try {
    pool = await createPool({
      environment: remote(server),
      workers: 4,
      functions: FUNCTIONS,
      host: { double },
      limits: { timeoutMs: 20_000 },
      // It is chaos that loses workers here, and none of it is a run's fault.
      restart: {
        maxPerWorker: 1_000,
        baseDelayMs: 10,
        maxDelayMs: 100,
        jitterMs: 20,
        maxAttemptsPerRun: 20,
      },
      quarantine: { after: 1_000 },
    });

    const incidents = (): number =>
      counts.killed + counts.cut + counts.stopped + counts.drained + counts.reloaded;
    /** Lanes that wait for the next incident. */
    const held: (() => void)[] = [];
    const pick = (): number => Math.floor(random() * machines.length);
    const wreak = async (): Promise<void> => {
      const at = pick();
      const machine = machines[at];
      const chance = random();
      if (machine === undefined || chance < 0.2) {
        counts.cut++;
        proxy.cut();
      } else if (chance < 0.5) {
        counts.killed++;
        await machine.kill();
        counts.joined++;
        machines[at] = new Machine(options);
      } else if (chance < 0.7) {
        counts.stopped++;
        machine.process.kill("SIGSTOP");
        await delay(300 * random());
        machine.process.kill("SIGCONT");
      } else if (chance < 0.85) {
        counts.drained++;
        machine.process.kill("SIGTERM");
        await machine.ended;
        counts.joined++;
        machines[at] = new Machine(options);
      } else {
        counts.reloaded++;
        await page.reload();
      }
    };
    const chaos = (async () => {
      while (!order.isOver) {
        await delay(50 + 150 * random());
        if (order.isOver) break;
        await wreak();
        for (const go of held.splice(0)) go();
      }
    })();

    let right = 0;
    const settled = new Uint8Array(CALLS);
    const lost: string[] = [];
    const wrong: unknown[] = [];
    const running = pool;
    const one = async (n: number): Promise<void> => {
      const kinds = [
        { name: "add", args: [n, 1], expected: n + 1 },
        { name: "work", args: [n], expected: WORK(n) },
        { name: "later", args: [n], expected: n },
        { name: "ask", args: [n], expected: 2 * n + 1 },
      ];
      const { name, args, expected } = kinds[n % kinds.length]!;
      await running.run(name, args).then(
        (value) => {
          settled[n]!++;
          if (value === expected) right++;
          else wrong.push({ name, n, value });
        },
        (error: SkepError) => {
          settled[n]!++;
          if (error.code === "worker-lost" && name === "ask") lost.push(name);
          else wrong.push({ name, n, message: error.message });
        },
      );
    };
    let next = 0;
    const lanes = Array.from({ length: 64 }, async () => {
      while (next < CALLS) {
        // A quick machine would be through before enough has happened.
        if (incidents() < Math.floor((next / CALLS) * INCIDENTS)) {
          await new Promise<void>((resolve) => held.push(resolve));
        } else await one(next++);
      }
    });
    await Promise.all(lanes);
    order.isOver = true;
    await chaos;

    expect({ seed: SEED, wrong }).toEqual({ seed: SEED, wrong: [] });
    expect(settled.every((times) => times === 1)).toBe(true);
    expect(right + lost.length).toBe(CALLS);
    expect(incidents()).toBeGreaterThanOrEqual(INCIDENTS - 1);
    expect(pool.stats()).toMatchObject({ inFlight: 0, queued: 0 });
    console.log(
      `seed ${SEED}: ${right} right, ${lost.length} lost after they had called the host;`,
      counts,
    );
  } finally {
    order.isOver = true;
    await pool?.close({ force: true });
    for (const machine of machines) machine.process.kill("SIGCONT");
    await Promise.all(machines.map((machine) => machine.kill()));
    await proxy.close();
    await server.stop({ drainTimeoutMs: 0 });
    tabs.close();
  }
});
