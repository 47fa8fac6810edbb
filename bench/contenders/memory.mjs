// Resident memory that one more worker, or one more cell, takes; a process for every round.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ADD, callsInFlight } from "./workload.mjs";

const MORE_WORKERS = 4;
const CELLS = 200;

/** @param {{ of: "skep-worker" | "skep-cell" | "piscina-worker" | "bare-worker" }} options */
export function open(options) {
  return { round: () => measures[options.of]() };
}

const measures = {
  "skep-worker": () => perWorker(skepPool),
  "piscina-worker": () => perWorker(piscinaPool),
  "bare-worker": () => perWorker(bareWorkers),
  async "skep-cell"() {
    const { freshCall, makeImage } = await import("./skep-core.mjs");
    const made = await makeImage(ADD);
    const first = await made.makeSandbox();
    for (let index = 0; index < 1000; index++) freshCall(made, first, [1, 2]);
    const before = await residentBytes();
    const cells = [];
    for (let index = 0; index < CELLS; index++) {
      const sandbox = await made.makeSandbox();
      for (let call = 0; call < 3; call++) freshCall(made, sandbox, [1, 2]);
      cells.push(sandbox);
    }
    return ((await residentBytes()) - before) / cells.length;
  },
};

/** Starts one worker, then some more besides it. */
async function perWorker(/** @type {(workers: number) => Promise<unknown>} */ start) {
  await start(1);
  const before = await residentBytes();
  await start(MORE_WORKERS);
  return ((await residentBytes()) - before) / MORE_WORKERS;
}

/** @param {number} workers */
async function skepPool(workers) {
  const { createPool } = await import("../../dist/index.node.js");
  const pool = await createPool({ workers, functions: { add: ADD } });
  await callsInFlight(1000 * workers, 8 * workers, () => pool.call.add(1, 2));
  return pool;
}

/** @param {number} workers */
async function piscinaPool(workers) {
  const { Piscina } = await import("piscina");
  const filename = fileURLToPath(new URL("threads/add.mjs", import.meta.url));
  const pool = new Piscina({ filename, minThreads: workers, maxThreads: workers });
  await callsInFlight(1000 * workers, 8 * workers, () => pool.run([1, 2]));
  return pool;
}

/** @param {number} workers */
async function bareWorkers(workers) {
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL("threads/echo.mjs", import.meta.url)),
  );
  for (const thread of threads) {
    await new Promise((resolve) => {
      thread.on("message", resolve);
      thread.postMessage(1);
    });
  }
  return threads;
}

/** After a collection, once the threads have come to rest. */
async function residentBytes() {
  for (let index = 0; index < 3; index++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}
