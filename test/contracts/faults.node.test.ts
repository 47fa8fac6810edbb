/**
 * Real worker threads that die at random instants, with runs in flight all the time: every call
 * settles exactly once, and every result is right.
 */
import { expect, it } from "vitest";
import { createPool, type SkepError } from "skep";

/** Ends the worker's thread from inside, a while after it was asked: in no relation to any run. */
const KILLER =
  "data:text/javascript,export const dieIn = (ms) => { setTimeout(() => process.exit(7), ms) }";
const CALLS = 20_000;
const IN_FLIGHT = 64;

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it("settles 20,000 calls exactly once while workers are killed at random", async () => {
  const random = seeded(20_261_121);
  await using pool = await createPool({
    workers: 2,
    restart: { maxPerWorker: 10_000, baseDelayMs: 1, maxDelayMs: 5, jitterMs: 2 },
    dependencies: { killer: { module: KILLER, exports: ["dieIn"] } },
    functions: {
      add: "(a, b) => a + b",
      slow: "(a, b) => { let n = 0; for (let i = 0; i < 20000; i++) n += i; return a + b; }",
      wait: "async (a, b) => { await new Promise((resolve) => setTimeout(resolve, 2)); return a + b; }",
      kill: "async (ms, context) => { context.dependencies.killer.dieIn(ms); return 'armed'; }",
    },
  });
  let losses = 0;
  let kills = 0;
  pool.on("worker-lost", () => losses++);
  const settlements = new Uint8Array(CALLS);
  const wrong: string[] = [];
  let next = 0;
  async function caller(): Promise<void> {
    for (let index = next++; index < CALLS; index = next++) {
      const name = ["add", "add", "slow", "wait"][Math.floor(random() * 4)] as string;
      if (random() < 0.002) {
        kills++;
        // A kill is itself a call that may be lost with its worker, however often.
        await pool.run("kill", [random() * 8]).catch((error: SkepError) => {
          if (error.code !== "worker-lost") wrong.push(`kill: ${error.code} ${error.message}`);
        });
      }
      try {
        const sum = await pool.run(name, [index, 1]);
        if (sum !== index + 1) wrong.push(`${name}(${index}) gave ${String(sum)}`);
      } catch (error) {
        wrong.push(`${name}(${index}): ${(error as SkepError).code} ${(error as Error).message}`);
      }
      settlements[index] = (settlements[index] ?? 0) + 1;
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(settlements.every((count) => count === 1)).toBe(true);
  expect(kills).toBeGreaterThan(20);
  expect(losses).toBeGreaterThan(10);
  const { inFlight, queued } = pool.stats();
  expect({ inFlight, queued }).toEqual({ inFlight: 0, queued: 0 });
  expect(await pool.run("add", [1, 2])).toBe(3);
}, 60_000);

it("does not run again what has called the host, and keeps the others", async () => {
  await using pool = await createPool({
    workers: 1,
    restart: { maxPerWorker: 100, baseDelayMs: 1, maxDelayMs: 5, jitterMs: 0 },
    dependencies: { process: { module: "node:process", exports: ["exit"] } },
    functions: {
      die: "(context) => context.dependencies.process.exit(3)",
      add: "(a, b) => a + b",
    },
  });
  const doomed = pool.execute({ run: "die" });
  const innocent = pool.run("add", [1, 2]);
  const outcome = await doomed;
  expect(outcome).toMatchObject({ ok: false, error: { code: "worker-lost" } });
  expect(outcome.receipt.attempts).toBe(1);
  expect((outcome as { error: Error }).error.message).toContain("called into the host already");
  expect(await innocent).toBe(3);
});

/** After which the next look at a run's limits fails, deep inside the engine. */
const BROKEN_CLOCK = `data:text/javascript,${encodeURIComponent(`export const breakClock = () => {
  const { now } = performance;
  performance.now = () => { performance.now = now; throw new Error("no clock"); };
}`)}`;

it("refuses a function under which the engine keeps failing, and loses no worker", async () => {
  await using pool = await createPool({
    workers: 1,
    quarantine: { after: 2 },
    dependencies: { clock: { module: BROKEN_CLOCK, exports: ["breakClock"] } },
    functions: {
      trap: "(context) => { context.dependencies.clock.breakClock(); for (;;); }",
      add: "(a, b) => a + b",
    },
  });
  for (let time = 0; time < 2; time++) {
    expect(pool.quarantined()).toEqual([]);
    await expect(pool.run("trap")).rejects.toMatchObject({
      code: "worker-lost",
      message: expect.stringContaining("The engine failed under this run: no clock") as string,
    });
    expect(await pool.run("add", [1, 2])).toBe(3);
  }
  expect(pool.quarantined()).toMatchObject([{ name: "trap", lostWorkers: 0, lostSandboxes: 2 }]);
  await expect(pool.run("trap")).rejects.toMatchObject({ code: "quarantined" });
  const outcome = await pool.execute({ run: "add", args: [1, 2] });
  expect(outcome).toMatchObject({ ok: true, value: 3, receipt: { workerId: 1 } });
});

it("ends all runs of a shared sandbox with the one under which the engine failed", async () => {
  await using pool = await createPool({
    workers: 1,
    isolation: "worker",
    dependencies: { clock: { module: BROKEN_CLOCK, exports: ["breakClock"] } },
    functions: {
      trap: "(context) => { context.dependencies.clock.breakClock(); for (;;); }",
      wait: "() => new Promise(() => {})",
      count: "() => (globalThis.calls = (globalThis.calls ?? 0) + 1)",
    },
  });
  const waiting = Array.from({ length: 20 }, () => pool.execute({ run: "wait" }));
  expect(await pool.run("count")).toBe(1);
  await expect(pool.run("trap")).rejects.toMatchObject({ code: "worker-lost" });
  const errors = (await Promise.all(waiting)).map((outcome) => !outcome.ok && outcome.error);
  for (const error of errors) {
    expect(error).toMatchObject({
      code: "worker-lost",
      message: expect.stringContaining("The shared sandbox was lost to another run") as string,
    });
  }
  // The next ones have a new one, in the same worker.
  const outcome = await pool.execute({ run: "count" });
  expect(outcome).toMatchObject({ ok: true, value: 1, receipt: { workerId: 1 } });
});

it("lets Node exit by itself, with a pool open and after closing one", async () => {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const source = `
    import { createPool } from "skep";
    const left = await createPool({ workers: 2, functions: { add: "(a, b) => a + b" } });
    const thread = await createPool({ environment: "in-thread" });
    const closed = await createPool({ workers: 1 });
    await closed.close();
    console.log(await left.run("add", [1, 2]), await thread.eval("4"));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", source],
    { timeout: 20_000 },
  );
  expect(stdout.trim()).toBe("3 4");
});
