import { PROGRAMS } from "../contenders/workload.mjs";
import { milliseconds } from "./units.mjs";

/**
 * Guest code that computes: the sandbox must cost nothing while it runs.
 *
 * @param {string} program
 * @returns {import("../harness/rounds.mjs").Row}
 */
function cpuBound(program) {
  return {
    id: `cpu-${program}`,
    title: `A CPU-bound run: ${program}`,
    note: "Bare quickjs-emscripten calls a function in one context for good; skep in a fresh sandbox each time. Both look at a deadline.",
    unit: { ...milliseconds, name: "ms per run" },
    // So that no worker idles at the end of a round.
    multipleOf: 12,
    contenders: [
      {
        id: "bare",
        label: "quickjs-emscripten, release-sync",
        module: "quickjs-emscripten.mjs",
        options: { program },
      },
      {
        id: "bare-two",
        label: "quickjs-emscripten, in two threads",
        module: "engine-threads.mjs",
        options: { program, threads: 2 },
      },
      { id: "core", label: "skep, its core alone", module: "skep-core.mjs", options: { program } },
      {
        id: "one",
        label: "skep, one worker",
        module: "skep-pool.mjs",
        options: { program, workers: 1, inFlight: 2 },
      },
      {
        id: "two",
        label: "skep, two workers",
        module: "skep-pool.mjs",
        options: { program, workers: 2, inFlight: 4 },
      },
    ],
    comparisons: [
      {
        label: "one worker against the bare engine",
        subject: "one",
        reference: "bare",
        target: { measure: "times-worse", bound: 1.05 },
      },
      { label: "the core against the bare engine", subject: "core", reference: "bare" },
      {
        label: "two workers against one",
        subject: "two",
        reference: "one",
        target: { measure: "times-better", bound: 1.85 },
      },
      { label: "what this machine gives two bare engines", subject: "bare-two", reference: "bare" },
    ],
  };
}

export const cpuRows = Object.keys(PROGRAMS).map(cpuBound);
