import { microseconds } from "./units.mjs";

const module = "files.mjs";

/** @type {import("../harness/rounds.mjs").Row} */
export const files = {
  id: "files",
  title: "4 KB written to a file and read back, in memory",
  note: "Per pair. Guests cross from their worker to the parent and back, twice; memfs is called in its own thread.",
  unit: microseconds,
  contenders: [
    { id: "std", label: "skep, std in a worker", module, options: { way: "std" } },
    { id: "fs", label: "skep, fs in a worker", module, options: { way: "fs" } },
    {
      id: "overlay",
      label: "skep, std with an overlay",
      module,
      options: { way: "std", perRun: "overlay" },
    },
    {
      id: "in-thread",
      label: "skep, std in-thread",
      module,
      options: { way: "std", environment: "in-thread" },
    },
    { id: "host", label: "skep, pool.files", module, options: { way: "host" } },
    { id: "memfs", label: "memfs called directly", module, options: { way: "memfs" } },
  ],
  comparisons: [
    { label: "std in a worker", subject: "std", target: { measure: "alone", bound: 400 } },
    { label: "std in-thread", subject: "in-thread", target: { measure: "alone", bound: 100 } },
  ],
};
