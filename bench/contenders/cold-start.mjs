// From importing the package to the first result of a pool of two; a process for every round.
import { fileURLToPath } from "node:url";
import { ADD, expect } from "./workload.mjs";

/** @param {{ package: "skep" | "piscina" }} options */
export function open(options) {
  return { round: () => (options.package === "skep" ? skep() : piscina()) };
}

async function skep() {
  const began = performance.now();
  const { createPool } = await import("../../dist/index.node.js");
  const pool = await createPool({ workers: 2, functions: { add: ADD } });
  expect(await pool.call.add(1, 2), 3);
  const elapsedMs = performance.now() - began;
  await pool.close({ force: true });
  return elapsedMs;
}

async function piscina() {
  const began = performance.now();
  const { Piscina } = await import("piscina");
  const filename = fileURLToPath(new URL("threads/add.mjs", import.meta.url));
  const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
  expect(await pool.run([1, 2]), 3);
  const elapsedMs = performance.now() - began;
  await pool.destroy();
  return elapsedMs;
}
