import { milliseconds } from "./units.mjs";

/** @type {import("../harness/rounds.mjs").Row} */
export const waitingRuns = {
  id: "waiting-runs",
  title: "2,000 runs at once, each awaiting a host function for 50 ms, two workers",
  note: "All of them together, each in a sandbox of its own; below it the bare promises.",
  unit: milliseconds,
  contenders: [
    { id: "skep", label: "skep", module: "waiting-runs.mjs", options: { way: "skep", runs: 2000 } },
    {
      id: "host",
      label: "the promises alone",
      module: "waiting-runs.mjs",
      options: { way: "host", runs: 2000 },
    },
  ],
  comparisons: [
    { label: "all of them", subject: "skep", target: { measure: "alone", bound: 600 } },
  ],
};
