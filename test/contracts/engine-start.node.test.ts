/** How workers of a pool share the start of their engine, on real threads and the real engine. */
import { readFile } from "node:fs/promises";
import { type Environment, createPool } from "skep";
import { describe, expect, it } from "vitest";
import { engineFacts } from "../../src/guest/calibrate.ts";
import { loadEngine } from "../../src/guest/engine.ts";
import { startEngine } from "../../src/guest/engine-start.ts";
import type { EngineStart, WorkerSettings } from "../../src/protocol/control.ts";

const { workerThreads } = (await import(
  new URL("../../dist/environments/worker-threads.js", import.meta.url).href
)) as { workerThreads: Environment };

/** Threads, and what each was started with and passed on. */
function watchedThreads() {
  const started: { workerId: number; given: EngineStart | undefined; passedOn: boolean }[] = [];
  const environment: Environment = {
    ...workerThreads,
    async open(spec) {
      const handle = await workerThreads.open(spec);
      const inner = handle.control;
      const control: typeof inner = {
        install: (change) => inner.install(change),
        statistics: () => inner.statistics(),
        trim: () => inner.trim(),
        captureImages: () => inner.captureImages(),
        openSession: (request) => inner.openSession(request),
        captureSession: (sessionId, ifQuiet) => inner.captureSession(sessionId, ifQuiet),
        closeSession: (sessionId) => inner.closeSession(sessionId),
        shutdown: () => inner.shutdown(),
        async initialise(settings) {
          const ready = await inner.initialise(settings);
          const passedOn = ready.start !== undefined;
          started.push({ workerId: spec.workerId, given: settings.start, passedOn });
          return ready;
        },
      };
      return Object.defineProperty(handle, "control", { value: control });
    },
  };
  return { environment, started };
}

describe.each(["sync", "asyncify"] as const)("%s", (engine) => {
  it("is booted by one worker; the others and replacements take its image over", async () => {
    const { environment, started } = watchedThreads();
    const pool = await createPool({
      environment,
      engine,
      workers: 3,
      functions: { draw: "() => [Math.random(), globalThis.n = (globalThis.n ?? 0) + 1]" },
    });
    try {
      expect(started.filter(({ given }) => given === undefined)).toHaveLength(1);
      expect(started.filter(({ passedOn }) => passedOn)).toHaveLength(1);
      const restarted = new Promise((resolve) => pool.on("worker-restarted", resolve));
      const [first] = pool.health();
      expect(pool.restartWorker(first!.id)).toBe(true);
      await restarted;
      expect(started).toHaveLength(4);
      expect(started[3]).toMatchObject({ workerId: 4, passedOn: false });
      expect(started[3]?.given).toBeDefined();
      const draws = await Promise.all(
        Array.from({ length: 60 }, () => pool.run<[number, number]>("draw")),
      );
      // Sandboxes that share an image share neither their state nor their random numbers.
      expect(new Set(draws.map(([random]) => random)).size).toBe(60);
      expect(new Set(draws.map(([, count]) => count))).toEqual(new Set([1]));
      expect(await pool.eval("new URL('/b', 'https://a.example/').href")).toBe(
        "https://a.example/b",
      );
    } finally {
      await pool.close({ force: true });
    }
  });

  it("is not taken over from another engine build", async () => {
    const file = new URL(`../../dist/engine/quickjs-${engine}.wasm`, import.meta.url);
    const module = await WebAssembly.compile(await readFile(file));
    const loaded = await loadEngine(engine, module);
    const settings = { stackBytes: 128 * 1024, webApis: [] as string[] } as WorkerSettings;
    const { start, facts } = await startEngine(loaded, settings);
    expect(start?.engineBuild).toMatch(new RegExp(`-${engine}-[0-9a-f]+$`));
    // What a worker gets is a copy, as messages make it.
    const taken = await startEngine(loaded, { ...settings, start: structuredClone(start) });
    expect(taken.start).toBeUndefined();
    expect(taken.facts.layout).toEqual(facts.layout);
    expect(engineFacts(facts.layout).heapStart).toBe(facts.heapStart);
    const foreign = { ...start!, engineBuild: "quickjs-1999-01-01-sync" };
    await expect(startEngine(loaded, { ...settings, start: foreign })).rejects.toThrow(
      /image is of the engine quickjs-1999-01-01-sync, and this worker has quickjs-/,
    );
  });
});
