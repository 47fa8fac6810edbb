// A pool of one worker, whose thread or process is ended from outside: how long until the next
// result.
import { fileURLToPath } from "node:url";
import { ADD, expect } from "./workload.mjs";

/**
 * @param {{ package: "skep" | "skep-default" | "skep-process" | "piscina" }} options `skep` and
 *   `skep-process`: without the pause.
 */
export async function open(options) {
  /** @type {import("node:worker_threads").Worker[]} */
  const threads = [];
  // Node reports every thread it starts here.
  process.on("worker", (thread) => threads.push(thread));
  const { call, close, pid } = await pools[options.package]();
  expect(await call(), 3);
  return {
    async round(/** @type {number} */ count) {
      let elapsedMs = 0;
      for (let index = 0; index < count; index++) {
        const processId = await pid?.();
        const began = performance.now();
        if (processId === undefined) await threads.pop()?.terminate();
        else process.kill(processId, "SIGKILL");
        expect(await call(), 3);
        elapsedMs += performance.now() - began;
      }
      return elapsedMs;
    },
    close,
  };
}

const pools = {
  skep: () => skepPool({ baseDelayMs: 0, jitterMs: 0, healthyAfterMs: 1 }),
  "skep-default": () => skepPool({ healthyAfterMs: 1 }),
  "skep-process": () =>
    skepPool({ baseDelayMs: 0, jitterMs: 0, healthyAfterMs: 1 }, "child-process"),
  async piscina() {
    const { Piscina } = await import("piscina");
    const filename = fileURLToPath(new URL("threads/add.mjs", import.meta.url));
    const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 });
    // It reports the loss of an idle thread here.
    pool.on("error", () => {});
    return { call: () => pool.run([1, 2]), pid: undefined, close: () => pool.destroy() };
  },
};

/**
 * @param {object} restart
 * @param {string} [environment]
 */
async function skepPool(restart, environment = "worker-threads") {
  const { createPool } = await import("../../dist/index.node.js");
  const pool = await createPool({
    environment,
    workers: 1,
    restart,
    functions: { add: ADD, pid: "(context) => context.dependencies.process.pid" },
    dependencies: { process: { module: "node:process", exports: ["pid"] } },
  });
  return {
    call: () => pool.call.add(1, 2),
    pid: environment === "child-process" ? () => pool.run("pid") : undefined,
    close: () => pool.close({ force: true }),
  };
}
