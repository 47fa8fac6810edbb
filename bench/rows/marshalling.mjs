import { gigabytesPerSecond, microseconds, milliseconds } from "./units.mjs";

const CUSTOMERS = "0.9 MB of JSON-like data (4,000 customers)";

/** @type {import("../harness/rounds.mjs").Row} */
export const valuesOut = {
  id: "values-out",
  title: `${CUSTOMERS} out of a sandbox`,
  note: "In one thread, until the host has the value. dump() and JSON.stringify run guest code for it; skep does not.",
  unit: milliseconds,
  contenders: [
    { id: "skep", label: "skep", module: "marshalling.mjs", options: { direction: "out" } },
    {
      id: "dump",
      label: "quickjs-emscripten, dump()",
      module: "quickjs-emscripten-marshalling.mjs",
      options: { way: "dump" },
    },
    {
      id: "json",
      label: "quickjs-emscripten, JSON.stringify, getString, JSON.parse",
      module: "quickjs-emscripten-marshalling.mjs",
      options: { way: "json-out" },
    },
  ],
  comparisons: [
    {
      label: "faster than dump()",
      subject: "skep",
      reference: "dump",
      target: { measure: "times-better", bound: 5 },
    },
    { label: "faster than through JSON", subject: "skep", reference: "json" },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const valuesIn = {
  id: "values-in",
  title: `${CUSTOMERS} into a sandbox`,
  note: "In one thread, until the guest has the value; skep makes the sandbox new each time.",
  unit: milliseconds,
  contenders: [
    { id: "skep", label: "skep", module: "marshalling.mjs", options: { direction: "in" } },
    {
      id: "json",
      label: "quickjs-emscripten, JSON.stringify, newString, JSON.parse",
      module: "quickjs-emscripten-marshalling.mjs",
      options: { way: "json-in" },
    },
    {
      id: "parse",
      label: "quickjs-emscripten, newString, JSON.parse of ready text",
      module: "quickjs-emscripten-marshalling.mjs",
      options: { way: "parse-in" },
    },
  ],
  comparisons: [
    {
      label: "faster than through JSON",
      subject: "skep",
      reference: "json",
      target: { measure: "times-better", bound: 2 },
    },
    { label: "faster than parsing text that is ready", subject: "skep", reference: "parse" },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const buffers = {
  id: "buffers",
  title: "A 16 MiB ArrayBuffer, through a pool of one worker",
  note: "One after the other, each into a fresh sandbox. A bare worker gets a structured clone.",
  unit: gigabytesPerSecond(16 * 2 ** 20),
  contenders: [
    { id: "in", label: "skep, into the guest", module: "buffers.mjs", options: { way: "in" } },
    {
      id: "moved-in",
      label: "skep, into the guest, transferred",
      module: "buffers.mjs",
      options: { way: "moved-in" },
    },
    { id: "out", label: "skep, out of the guest", module: "buffers.mjs", options: { way: "out" } },
    { id: "bare", label: "to a bare worker", module: "buffers.mjs", options: { way: "bare-in" } },
  ],
  comparisons: [
    { label: "into the guest", subject: "in", target: { measure: "alone", bound: 1 } },
    { label: "out of the guest", subject: "out", target: { measure: "alone", bound: 1 } },
    { label: "into the guest, share of a bare worker's", subject: "in", reference: "bare" },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const smallArguments = {
  id: "small-arguments",
  title: "Arguments of a call: two numbers and a short string, or none",
  note: "Fresh sandboxes; the guest returns a number.",
  unit: microseconds,
  contenders: [
    {
      id: "core-none",
      label: "skep's core, none",
      module: "skep-core.mjs",
      options: { args: [] },
    },
    {
      id: "core-some",
      label: "skep's core, (1, 2, 'text')",
      module: "skep-core.mjs",
      options: { args: [1, 2, "text"] },
    },
    {
      id: "pool-none",
      label: "skep, pool in-thread, 64 in flight, none",
      module: "skep-pool.mjs",
      options: { environment: "in-thread", args: [] },
    },
    {
      id: "pool-some",
      label: "skep, pool in-thread, 64 in flight, (1, 2, 'text')",
      module: "skep-pool.mjs",
      options: { environment: "in-thread", args: [1, 2, "text"] },
    },
  ],
  comparisons: [
    {
      label: "what they cost, in the core",
      subject: "core-some",
      reference: "core-none",
      target: { measure: "more", bound: 3 },
    },
    {
      label: "what they cost, through the pool",
      subject: "pool-some",
      reference: "pool-none",
      target: { measure: "more", bound: 3 },
    },
  ],
};
