/**
 * How long one key's run waits behind another's many: measured in service times, on a pool whose
 * workers take their time.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FakeClock } from "./fake-clock.ts";
import type { RunMessage, Script, ScriptedWorker } from "./scripted-environment.ts";
import { stage, stateOf, watched } from "./stage.ts";

/** Workers that execute what they get one after the other, each run for as long as the test says. */
function serial(clock: () => FakeClock, serviceMs: () => number): Script {
  const waiting = new Map<ScriptedWorker, RunMessage[]>();
  function next(worker: ScriptedWorker): void {
    const queue = waiting.get(worker) ?? [];
    const [run] = queue;
    if (run === undefined) return;
    const cpuMs = serviceMs();
    clock().schedule(cpuMs, () => {
      queue.shift();
      worker.succeed(run, 1, { cpuMs, wallMs: cpuMs });
      next(worker);
    });
  }
  return {
    onRun: (worker, run) => {
      const queue = waiting.get(worker) ?? [];
      waiting.set(worker, queue);
      if (queue.push(run) === 1) next(worker);
    },
  };
}

interface Simulation {
  workers: number;
  /** Milliseconds of the noisy key's runs, taken in turn. */
  services: number[];
  /** When the other keys' single calls come, and whose they are. */
  calls: { atMs: number; key: number }[];
}

const HOG = 10_000;
const OWN_MS = 1;

/** The delay of each single call: how much later than its own service time it was done. */
async function delays({ workers, services, calls }: Simulation): Promise<number[]> {
  let turn = 0;
  const script = serial(
    () => staged.clock,
    () => services[turn++ % services.length] as number,
  );
  const staged = await stage(script, {
    workers,
    queue: { max: 0 },
    limits: { timeoutMs: 0 },
    closeTimeoutMs: 1,
  });
  const { clock, pool } = staged;
  for (let index = 0; index < HOG; index++) {
    pool.run("add", [], { key: "hog" }).catch(() => {});
  }
  await stateOf(Promise.resolve());
  const results: Promise<number>[] = [];
  for (const { atMs, key } of [...calls].sort((left, right) => left.atMs - right.atMs)) {
    if (atMs > clock.now()) await clock.advance(atMs - clock.now());
    const submittedAtMs = clock.now();
    const call = pool.run("add", [], { key: `single ${key}` });
    results.push(call.then(() => clock.now() - submittedAtMs - OWN_MS));
  }
  await clock.advance(calls.length * 50);
  return Promise.all(results);
}

describe("fairness between keys", () => {
  test("ten thousand runs of one key delay another's single call by two service times", async () => {
    const [delayMs] = await delays({
      workers: 1,
      services: [1],
      calls: [{ atMs: 20.5, key: 1 }],
    });
    expect(delayMs).toBeGreaterThan(0);
    expect(delayMs).toBeLessThanOrEqual(2);
  });

  test("whenever it comes, whatever the runs take and however many workers there are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 2, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 8 }),
        async (workers, atMs, tenths) => {
          // Between a tenth of a millisecond and one: longest is what a service time is here.
          const services = tenths.map((tenth) => tenth / 10);
          const longest = Math.max(...services);
          const measured = await delays({ workers, services, calls: [{ atMs, key: 1 }] });
          expect(Math.max(...measured) + OWN_MS).toBeLessThanOrEqual(3 * longest + 1e-6);
        },
      ),
      { numRuns: 12, seed: 4 },
    );
  });

  test("of many single calls each waits for the others, and for two of the noisy one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 12 }),
        async (keys) => {
          const calls = keys.map((key) => ({ atMs: 20.5, key }));
          const measured = await delays({ workers: 1, services: [1], calls });
          for (const [index, delayMs] of measured.entries()) {
            expect(delayMs).toBeLessThanOrEqual(2 + index);
          }
        },
      ),
      { numRuns: 5, seed: 4 },
    );
  });

  test("trivial runs that are sent ahead are worth a tenth of a millisecond", async () => {
    const [delayMs] = await delays({
      workers: 1,
      services: [0.01],
      calls: [{ atMs: 5.005, key: 1 }],
    });
    // Its own service takes 0.01 here, of which the measure has taken off 1.
    expect((delayMs as number) + OWN_MS).toBeLessThanOrEqual(0.13);
  });

  test("a key may have no more than its share of the queue", async () => {
    const { pool } = await stage({}, { workers: 1, queue: { max: 3, maxPerKey: 2 } });
    const hog = [1, 2, 3, 4, 5].map(() => watched(pool.run("add", [], { key: "hog" })));
    // Two are with the worker and two wait.
    expect(await stateOf(hog[3]!)).toBe("pending");
    await expect(hog[4]).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringContaining('for the key "hog": 2 runs are waiting') as string,
    });
    expect(await stateOf(pool.run("add", [], { key: "other" }))).toBe("pending");
    await expect(pool.run("add", [])).rejects.toThrow(/The queue is full: 3 runs are waiting/);
  });
});
