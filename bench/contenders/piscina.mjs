// piscina: the same function, natively and without a sandbox, on a pool of threads.
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { callsInFlight, expect, oneAfterTheOther } from "./workload.mjs";

/**
 * @param {{ atomics: "sync" | "async" | "disabled", concurrentTasksPerWorker: number,
 *   workers?: number, inFlight?: number }} options
 */
export async function open({ atomics, concurrentTasksPerWorker, workers = 2, inFlight = 64 }) {
  const pool = new Piscina({
    filename: fileURLToPath(new URL("threads/add.mjs", import.meta.url)),
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics,
    concurrentTasksPerWorker,
    recordTiming: false,
  });
  const call = () => pool.run([1, 2]);
  expect(await call(), 3);
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    close: () => pool.destroy(),
  };
}
