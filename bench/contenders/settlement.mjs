// The end of a run in the pool by itself: with receipts and what is added up of them, and without.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = `
  export { Settlement } from "./settlement.ts";
  export { EventEmitter } from "./events.ts";
  export { systemClock } from "./clock.ts";
  export { Run } from "./run.ts";`;

/** The pool's own modules, which the package does not export. */
async function loadSources() {
  const resolveDir = fileURLToPath(new URL("../../src/pool/", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: SOURCES, resolveDir, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
  });
  const [file] = outputFiles;
  if (!file) throw new Error("esbuild made nothing of the pool's modules.");
  return import(`data:text/javascript;base64,${Buffer.from(file.contents).toString("base64")}`);
}

/**
 * What a worker reports with each run, made as the wire's reader makes it.
 *
 * @param {number} id
 */
function costOf(id) {
  return {
    wallMs: ((id % 64) + 20) / 1000,
    cpuMs: ((id % 64) + 10) / 1000,
    gas: 1,
    peakMemoryBytes: 2 ** 20,
    hostCalls: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/**
 * @param {{ way: "outcome" | "sums" | "none" }} options `outcome`: the caller gets the receipt, as
 *   with `pool.execute()`; `sums`: it is only added up, as with `pool.run()`; `none`: neither.
 */
export async function open({ way }) {
  const { Settlement, EventEmitter, systemClock, Run } = await loadSources();
  const settlement = new Settlement(systemClock, new EventEmitter());
  const target = {
    type: "function",
    name: "work",
    args: { bytes: new Uint8Array(18), buffers: [] },
  };
  const limits = {};
  let settled = 0;
  const resolve = () => void settled++;

  /** @param {number} id */
  function settle(id) {
    const run = new Run(id, target, limits, systemClock.now());
    run.key = "tenant";
    run.phase = "in-flight";
    run.wantsOutcome = way === "outcome";
    run.resolve = resolve;
    if (way === "none") {
      run.phase = "settled";
      run.resolve({ ok: true, value: id });
    } else {
      settlement.succeed(run, id, costOf(id), 12);
    }
  }

  return {
    round(/** @type {number} */ count) {
      settled = 0;
      const began = performance.now();
      for (let id = 0; id < count; id++) settle(id);
      const elapsedMs = performance.now() - began;
      if (settled !== count) throw new Error(`${settled} of ${count} runs were settled.`);
      return elapsedMs;
    },
  };
}
