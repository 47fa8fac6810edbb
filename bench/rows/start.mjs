import { mebibytes, milliseconds } from "./units.mjs";

/** @type {import("../harness/rounds.mjs").Row} */
export const coldStart = {
  id: "cold-start",
  title: "Cold start: importing the package to the first result, two workers",
  note: "A process for every round. skep compiles its engine and makes its first image in that time; piscina's workers load the function.",
  unit: milliseconds,
  processes: "fresh",
  contenders: [
    { id: "skep", label: "skep", module: "cold-start.mjs", options: { package: "skep" } },
    { id: "piscina", label: "piscina", module: "cold-start.mjs", options: { package: "piscina" } },
  ],
  comparisons: [{ label: "speed of a cold start", subject: "skep", reference: "piscina" }],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const coldStartImage = {
  id: "cold-start-image",
  title:
    "Cold start with lodash-es and zod: importing the package to the first result, two workers",
  note: "A process for every round. The two have 1.1 MB of source; with an image they were evaluated before, by another process.",
  unit: milliseconds,
  processes: "fresh",
  contenders: [
    { id: "none", label: "without them", module: "cold-start.mjs", options: { package: "skep" } },
    {
      id: "image",
      label: "with them, from pool.image()",
      module: "cold-start.mjs",
      options: { package: "skep-image" },
    },
    {
      id: "evaluated",
      label: "with them, bundled and evaluated",
      module: "cold-start.mjs",
      options: { package: "skep-evaluated" },
    },
  ],
  comparisons: [
    {
      label: "a start with the image",
      subject: "image",
      reference: "none",
      target: { measure: "times-worse", bound: 1.5 },
    },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const restart = {
  id: "restart",
  title: "Restart: ending the thread or process of a pool of one, to the next result",
  note: "By default skep pauses 100-200 ms before it restarts a worker, so that a broken one does not spin.",
  unit: milliseconds,
  contenders: [
    {
      id: "skep",
      label: "skep, no pause before restarts",
      module: "restart.mjs",
      options: { package: "skep" },
    },
    {
      id: "skep-default",
      label: "skep, default pause",
      module: "restart.mjs",
      options: { package: "skep-default" },
    },
    {
      id: "skep-process",
      label: "skep, a process, no pause",
      module: "restart.mjs",
      options: { package: "skep-process" },
    },
    { id: "piscina", label: "piscina", module: "restart.mjs", options: { package: "piscina" } },
  ],
  comparisons: [{ label: "speed of a restart", subject: "skep", reference: "piscina" }],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const memory = {
  id: "memory",
  title: "Resident memory that one more takes",
  note: "Of the whole process, after a collection and a thousand calls. A cell is a sandbox ready to run.",
  unit: mebibytes,
  processes: "fresh",
  contenders: [
    {
      id: "skep-worker",
      label: "skep, a worker with its sandboxes",
      module: "memory.mjs",
      options: { of: "skep-worker" },
      execArgv: ["--expose-gc"],
    },
    {
      id: "skep-cell",
      label: "skep, a cell",
      module: "memory.mjs",
      options: { of: "skep-cell" },
      execArgv: ["--expose-gc"],
    },
    {
      id: "piscina-worker",
      label: "piscina, a worker",
      module: "memory.mjs",
      options: { of: "piscina-worker" },
      execArgv: ["--expose-gc"],
    },
    {
      id: "bare-worker",
      label: "a bare worker",
      module: "memory.mjs",
      options: { of: "bare-worker" },
      execArgv: ["--expose-gc"],
    },
  ],
  comparisons: [
    { label: "a worker's memory", subject: "skep-worker", reference: "piscina-worker" },
  ],
};
