// From importing the package to the first result of a pool of two; a process for every round.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ADD, expect } from "./workload.mjs";

/** @param {{ package: "skep" | "skep-image" | "skep-evaluated" | "piscina" }} options */
export async function open(options) {
  if (options.package === "piscina") return { round: piscina };
  if (options.package === "skep-image") {
    const image = await preparedImage();
    return { round: () => skep({ image }) };
  }
  const dependencies = options.package === "skep-evaluated" ? DEPENDENCIES : {};
  return { round: () => skep({ functions: { add: ADD }, dependencies }) };
}

/** 1.1 MB of source together. */
const DEPENDENCIES = { lodash: { npm: "lodash-es" }, zod: { npm: "zod" } };

/** Made in another process, so that nothing of the package is loaded in this one. */
async function preparedImage() {
  const make = `
    const { createPool } = await import(process.argv[1]);
    const dependencies = ${JSON.stringify(DEPENDENCIES)};
    const functions = { add: ${JSON.stringify(ADD.toString())} };
    const pool = await createPool({ workers: 1, functions, dependencies });
    process.stdout.write(await pool.image());
    await pool.close();`;
  const index = new URL("../../dist/index.node.js", import.meta.url).href;
  const args = ["--input-type=module", "--eval", make, index];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    encoding: "buffer",
    maxBuffer: 2 ** 28,
  });
  return new Uint8Array(stdout);
}

/** @param {object} definitions */
async function skep(definitions) {
  const began = performance.now();
  const { createPool } = await import("../../dist/index.node.js");
  const pool = await createPool({ workers: 2, ...definitions });
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
