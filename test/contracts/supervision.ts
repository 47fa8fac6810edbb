/** How a pool looks after its workers, over real ones: turns, quarantine, recycling, memory. */
import { describe, expect, it } from "vitest";
import type { PoolOptions } from "skep";
import type { Terrain } from "./suite.ts";

const FUNCTIONS = {
  add: "(a, b) => a + b",
  wait: "async (value) => { await host.gate(); return value; }",
  spin: "(ms) => { const end = Date.now() + ms; while (Date.now() < end); return 1; }",
  // Natives that take long and never look at the interrupt handler.
  hang: "() => { const a = new Array(2e7).fill(0); for (let i = 0; i < 300; i++) a.indexOf(1); }",
  fill: "async (mib) => { const kept = new Uint8Array(mib * 2 ** 20).fill(1); await host.gate(); return kept.length; }",
};

/** Guests that call `host.gate()` wait until it is opened. */
function gate(): { host: PoolOptions["host"]; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { host: { gate: () => opened }, open };
}

export function supervisionContract(terrain: Terrain): void {
  const { environment, engine, threaded } = terrain;
  const base: PoolOptions = { environment, engine, functions: FUNCTIONS, workers: 1 };

  describe(`supervision: ${environment}, ${engine}`, () => {
    it("one key's many runs do not keep another's single one waiting", async () => {
      await using pool = await terrain.createPool({ ...base, queue: { max: 0 } });
      let done = 0;
      const many = Array.from({ length: 400 }, () =>
        pool.run("spin", [0.5], { key: "many" }).then(() => done++),
      );
      await many[20];
      const before = done;
      await pool.run("add", [1, 2], { key: "single" });
      // Those in the mailbox, and those whose results were on their way at the same time.
      expect(done - before).toBeLessThan(40);
      await Promise.all(many);
    });

    it("workers are replaced after so many runs without losing one", async () => {
      const { host, open } = gate();
      await using pool = await terrain.createPool({
        ...base,
        host,
        recycle: { afterRuns: 50 },
        restart: { maxPerWorker: 0 },
      });
      const recycled: number[] = [];
      const lost: number[] = [];
      const names: string[] = [];
      pool.on("worker-recycled", ({ workerId }) => recycled.push(workerId));
      pool.on("worker-lost", ({ workerId }) => lost.push(workerId));
      const firstEnded = new Promise<number>((resolve) => {
        pool.on("worker-ended", ({ workerId }) => resolve(workerId));
      });
      const parked = pool.run("wait", ["kept"]).then((value) => {
        names.push("settled");
        return value;
      });
      void firstEnded.then(() => names.push("ended"));
      for (let round = 0; recycled.length < 2; round++) {
        const sums = await Promise.all(
          Array.from({ length: 20 }, (_, index) => pool.run("add", [round, index])),
        );
        expect(sums).toEqual(sums.map((_, index) => round + index));
      }
      expect(recycled.slice(0, 2)).toEqual([1, 2]);
      open();
      await expect(parked).resolves.toBe("kept");
      await pool.drain();
      expect(lost).toEqual([]);
      expect(pool.stats()).toMatchObject({ failed: 0, restarts: 0 });
      // The second had nothing to wait for; the first waited for its run.
      await firstEnded;
      expect(pool.health()).toHaveLength(1);
    });

    it("says how much memory is used, and lets go of it above the watermark", async () => {
      const { host, open } = gate();
      await using pool = await terrain.createPool({
        ...base,
        host,
        memory: { maxBytes: 20 * 2 ** 20 },
      });
      const pressure = new Promise<{ usedBytes: number }>((resolve) => {
        pool.on("memory-pressure", resolve);
      });
      const relieved = new Promise<{ usedBytes: number }>((resolve) => {
        pool.on("memory-relieved", resolve);
      });
      const filled = [pool.run("fill", [14]), pool.run("fill", [14])];
      const { usedBytes } = await pressure;
      expect(usedBytes).toBeGreaterThan(20 * 2 ** 20);
      expect(usedBytes).toBeLessThan(80 * 2 ** 20);
      const waiting = [pool.run("add", [1, 2]), pool.run("add", [3, 4])];
      expect(pool.stats()).toMatchObject({ queued: 2, inFlight: 2 });
      open();
      expect(await Promise.all([...filled, ...waiting])).toEqual([
        14 * 2 ** 20,
        14 * 2 ** 20,
        3,
        7,
      ]);
      expect((await relieved).usedBytes).toBeLessThan(20 * 2 ** 20);
    });

    it.runIf(threaded)("refuses a function that keeps hanging, and nothing else", async () => {
      await using pool = await terrain.createPool({
        ...base,
        limits: { timeoutMs: 60, graceMs: 60, memoryBytes: 512 * 2 ** 20 },
        quarantine: { after: 2 },
      });
      for (let time = 0; time < 2; time++) {
        await expect(pool.run("hang")).rejects.toMatchObject({ code: "timeout" });
      }
      await expect(pool.run("hang")).rejects.toMatchObject({ code: "quarantined" });
      await expect(pool.run("add", [1, 2])).resolves.toBe(3);
      expect(pool.quarantined()).toMatchObject([{ name: "hang", lostWorkers: 2 }]);
      await pool.define({ functions: { hang: "() => 'mended'" } });
      await expect(pool.run("hang")).resolves.toBe("mended");
    });
  });
}
