import { microseconds } from "./units.mjs";

/**
 * @param {string} label
 * @param {string} reference
 * @param {number} [bound]
 * @returns {import("../harness/comparisons.mjs").Comparison}
 */
function faster(label, reference, bound) {
  return {
    label,
    subject: "skep-core",
    reference,
    ...(bound === undefined ? {} : { target: { measure: "times-better", bound } }),
  };
}

/** @type {import("../harness/rounds.mjs").Row} */
export const freshSandbox = {
  id: "fresh-sandbox",
  title: "A fresh sandbox for one call of add(1, 2), in one thread",
  note: "The core is restoring the image, placing arguments, calling and reading the result; the pool adds queue, limits and two tasks of the event loop.",
  unit: microseconds,
  contenders: [
    { id: "skep-core", label: "skep, its core alone", module: "skep-core.mjs" },
    {
      id: "skep-core-tracking",
      label: "skep, its core, noting writes (short runs)",
      module: "skep-core.mjs",
      options: { tracks: true },
    },
    {
      id: "skep-pool",
      label: "skep, pool in-thread, one at a time",
      module: "skep-pool.mjs",
      options: { environment: "in-thread", inFlight: 1 },
    },
    {
      id: "skep-pool-64",
      label: "skep, pool in-thread, 64 in flight",
      module: "skep-pool.mjs",
      options: { environment: "in-thread", inFlight: 64 },
    },
    { id: "node-vm", label: "node:vm, new context (no boundary)", module: "node-vm.mjs" },
    {
      id: "quickjs-emscripten",
      label: "quickjs-emscripten, newContext",
      module: "quickjs-emscripten.mjs",
    },
    {
      id: "ivm-context",
      label: "isolated-vm, new context",
      module: "isolated-vm.mjs",
      options: { fresh: "context" },
      execArgv: ["--no-node-snapshot"],
    },
    {
      id: "ivm-isolate",
      label: "isolated-vm, new isolate",
      module: "isolated-vm.mjs",
      options: { fresh: "isolate" },
      execArgv: ["--no-node-snapshot"],
    },
    {
      id: "wasi-restore",
      label: "quickjs-wasi, restore",
      module: "quickjs-wasi.mjs",
      options: { from: "restore" },
    },
    {
      id: "wasi-create",
      label: "quickjs-wasi, create",
      module: "quickjs-wasi.mjs",
      options: { from: "create" },
    },
    {
      id: "sebastianwessel",
      label: "@sebastianwessel/quickjs, runSandboxed",
      module: "sebastianwessel.mjs",
    },
  ],
  comparisons: [
    faster("the core is faster than a new QuickJS context", "quickjs-emscripten", 15),
    faster("the core is faster than a new isolated-vm context", "ivm-context", 25),
    faster("the core is faster than a new isolated-vm isolate", "ivm-isolate", 60),
    faster("the core is faster than quickjs-wasi's restore", "wasi-restore"),
    faster("the core is faster than quickjs-wasi's create", "wasi-create"),
    faster("the core is faster than @sebastianwessel/quickjs", "sebastianwessel"),
    faster("the core is faster than node:vm", "node-vm"),
    {
      label: "the pool in-thread is faster than a new QuickJS context",
      subject: "skep-pool-64",
      reference: "quickjs-emscripten",
      target: { measure: "times-better", bound: 15 },
    },
    {
      label: "the pool in-thread is faster than a new isolated-vm context",
      subject: "skep-pool-64",
      reference: "ivm-context",
      target: { measure: "times-better", bound: 25 },
    },
    {
      label: "the pool in-thread is faster than a new isolated-vm isolate",
      subject: "skep-pool-64",
      reference: "ivm-isolate",
      target: { measure: "times-better", bound: 60 },
    },
  ],
};
