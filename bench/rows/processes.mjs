import { microseconds } from "./units.mjs";

/** @param {number} inFlight */
function contenders(inFlight) {
  return [
    {
      id: "process",
      label: "skep, a process",
      module: "skep-pool.mjs",
      options: { environment: "child-process", workers: 1, inFlight },
    },
    {
      id: "thread",
      label: "skep, a thread",
      module: "skep-pool.mjs",
      options: { environment: "worker-threads", workers: 1, inFlight },
    },
    {
      id: "raw",
      label: "a bare process that echoes over IPC",
      module: "raw-process.mjs",
      options: { inFlight },
    },
  ];
}

/** @type {import("../harness/comparisons.mjs").Comparison[]} */
const comparisons = [
  {
    label: "a process against an IPC round trip",
    subject: "process",
    reference: "raw",
    target: { measure: "times-worse", bound: 2 },
  },
  { label: "a process against a thread", subject: "process", reference: "thread" },
];

/** @type {import("../harness/rounds.mjs").Row} */
export const processOneAtATime = {
  id: "process-one-at-a-time",
  title: "One call of add(1, 2) at a time, in a process",
  note: "The bare process gets and sends as many bytes as a call has, over Node's IPC channel with advanced serialization.",
  unit: microseconds,
  contenders: contenders(1),
  comparisons,
};

/** @type {import("../harness/rounds.mjs").Row} */
export const processThroughput = {
  id: "process-throughput",
  title: "Calls of add(1, 2) with 64 in flight, in one process",
  note: "As above. skep sends what is called in the same turn in one batch, the bare process a message for each.",
  unit: microseconds,
  contenders: contenders(64),
  comparisons,
};
