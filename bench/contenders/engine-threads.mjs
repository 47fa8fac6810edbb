// The bare engine in several threads: how much of a second core the machine gives anybody.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** @param {{ program: string, threads: number }} options */
export function open({ program, threads: size }) {
  const threads = Array.from(
    { length: size },
    () => new Worker(new URL("threads/engine.mjs", import.meta.url), { workerData: { program } }),
  );
  return {
    async round(/** @type {number} */ count) {
      const began = performance.now();
      await Promise.all(
        threads.map((thread) => {
          thread.postMessage(Math.ceil(count / size));
          return once(thread, "message");
        }),
      );
      return performance.now() - began;
    },
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}
