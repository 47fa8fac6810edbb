// quickjs-wasi: a new instance for every call, booted or restored from a snapshot of its own kind.
import { readFile } from "node:fs/promises";
import { QuickJS } from "quickjs-wasi";
import { ADD, expect, oneAfterTheOther } from "./workload.mjs";

/** @param {{ from: "create" | "restore" }} options */
export async function open({ from }) {
  const file = new URL(import.meta.resolve("quickjs-wasi/quickjs.wasm"));
  const wasm = await WebAssembly.compile(await readFile(file));
  const call = from === "create" ? creating(wasm) : await restoring(wasm);
  expect(await call(), 3);
  return { round: (/** @type {number} */ count) => oneAfterTheOther(count, call) };
}

/** @param {WebAssembly.Module} wasm */
function creating(wasm) {
  return async () => {
    const sandbox = await QuickJS.create({ wasm });
    return evaluate(sandbox, `(${ADD})(1, 2)`);
  };
}

/** @param {WebAssembly.Module} wasm */
async function restoring(wasm) {
  const template = await QuickJS.create({ wasm });
  template.evalCode(`globalThis.add = ${ADD}`).dispose();
  const snapshot = template.snapshot();
  return async () => {
    const sandbox = await QuickJS.restore(snapshot, { wasm });
    return evaluate(sandbox, "add(1, 2)");
  };
}

/**
 * @param {QuickJS} sandbox
 * @param {string} source
 */
function evaluate(sandbox, source) {
  const result = sandbox.evalCode(source);
  const value = result.toNumber();
  result.dispose();
  sandbox.dispose();
  return value;
}
