// 16 MiB into or out of a sandbox through a pool of one worker, and the same to a bare worker.
import { Worker } from "node:worker_threads";
import { createPool } from "../../dist/index.node.js";
import { expect, oneAfterTheOther } from "./workload.mjs";

const BYTES = 16 * 2 ** 20;

/** @param {{ way: "in" | "moved-in" | "out" | "bare-in" }} options */
export async function open({ way }) {
  return way === "bare-in" ? openBare() : openPool(way);
}

async function openPool(/** @type {"in" | "moved-in" | "out"} */ way) {
  const pool = await createPool({
    workers: 1,
    functions: { take: "(buffer) => buffer.byteLength", give: `() => new ArrayBuffer(${BYTES})` },
  });
  const buffer = new ArrayBuffer(BYTES);
  const acts = {
    in: async () => expect(await pool.run("take", [buffer]), BYTES),
    "moved-in": async () => {
      const moved = new ArrayBuffer(BYTES);
      expect(await pool.run("take", [moved], { transfer: [moved] }), BYTES);
    },
    out: async () => expect((await pool.run("give")).byteLength, BYTES),
  };
  return {
    round: (/** @type {number} */ count) => oneAfterTheOther(count, acts[way]),
    close: () => pool.close({ force: true }),
  };
}

async function openBare() {
  const worker = new Worker(new URL("threads/echo-size.mjs", import.meta.url));
  const buffer = new ArrayBuffer(BYTES);
  const act = () =>
    new Promise((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(buffer);
    });
  expect(await act(), BYTES);
  return {
    round: (/** @type {number} */ count) => oneAfterTheOther(count, act),
    close: () => worker.terminate(),
  };
}
