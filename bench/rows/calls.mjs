import { callsPerSecond, microseconds } from "./units.mjs";

/** piscina's settings that matter here; the best of them counts. */
function piscina(/** @type {number} */ inFlight, /** @type {number[]} */ concurrencies) {
  return /** @type {const} */ (["sync", "async", "disabled"]).flatMap((atomics) =>
    concurrencies.map((concurrentTasksPerWorker) => ({
      id: `piscina-${atomics}-${concurrentTasksPerWorker}`,
      label: `piscina, atomics ${atomics}, ${concurrentTasksPerWorker} at once`,
      module: "piscina.mjs",
      group: "piscina",
      options: { atomics, concurrentTasksPerWorker, inFlight },
    })),
  );
}

/** @type {import("../harness/rounds.mjs").Row} */
export const throughput = {
  id: "throughput",
  title: "Calls of add(1, 2) per second, 64 in flight, two workers",
  note: 'isolation "call": a fresh sandbox for every call; "worker": one per worker. piscina runs the function natively.',
  unit: callsPerSecond,
  contenders: [
    { id: "call", label: 'skep, isolation "call"', module: "skep-pool.mjs" },
    {
      id: "worker",
      label: 'skep, isolation "worker"',
      module: "skep-pool.mjs",
      options: { isolation: "worker" },
    },
    ...piscina(64, [1, 8, 32]),
    { id: "raw", label: "bare workers that echo", module: "raw-worker.mjs" },
    {
      id: "raw-batched",
      label: "bare workers, 32 calls per message",
      module: "raw-worker.mjs",
      options: { batched: true },
    },
  ],
  comparisons: [
    {
      label: 'isolation "call" against piscina at its best',
      subject: "call",
      reference: "piscina",
      target: { measure: "times-better", bound: 1.5 },
    },
    {
      label: 'isolation "worker" against piscina at its best',
      subject: "worker",
      reference: "piscina",
      target: { measure: "times-better", bound: 3 },
    },
    { label: 'isolation "call", share of the limit', subject: "call", reference: "raw" },
    { label: 'isolation "worker", share of the limit', subject: "worker", reference: "raw" },
    { label: 'isolation "call", share of the limit', subject: "call", reference: "raw-batched" },
    {
      label: 'isolation "worker", share of the limit',
      subject: "worker",
      reference: "raw-batched",
    },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const limits = {
  id: "limits",
  title: "What limits cost: a fresh sandbox for one call of add(1, 2)",
  note: "Pool in-thread, 64 in flight; with the default limits, and with those lifted that can be.",
  unit: microseconds,
  contenders: [
    {
      id: "default",
      label: "default limits",
      module: "skep-pool.mjs",
      options: { environment: "in-thread" },
    },
    {
      id: "lifted",
      label: "no limits",
      module: "skep-pool.mjs",
      options: { environment: "in-thread", unlimited: true },
    },
  ],
  comparisons: [
    {
      label: "what they cost",
      subject: "default",
      reference: "lifted",
      target: { measure: "times-worse", bound: 1.05 },
    },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const oneAtATime = {
  id: "one-at-a-time",
  title: "One call of add(1, 2) at a time",
  note: "Each call is awaited before the next: two wake-ups of a sleeping thread, whoever sends the message.",
  unit: microseconds,
  contenders: [
    {
      id: "call",
      label: 'skep, isolation "call"',
      module: "skep-pool.mjs",
      options: { inFlight: 1 },
    },
    {
      id: "worker",
      label: 'skep, isolation "worker"',
      module: "skep-pool.mjs",
      options: { isolation: "worker", inFlight: 1 },
    },
    {
      id: "raw",
      label: "a bare worker that echoes",
      module: "raw-worker.mjs",
      options: { inFlight: 1 },
    },
    ...piscina(1, [1]),
  ],
  comparisons: [
    {
      label: 'isolation "call" against a round trip',
      subject: "call",
      reference: "raw",
      target: { measure: "times-worse", bound: 1.5 },
    },
    {
      label: 'isolation "worker" against a round trip',
      subject: "worker",
      reference: "raw",
      target: { measure: "times-worse", bound: 1.5 },
    },
    {
      label: 'isolation "call" against piscina at its best',
      subject: "call",
      reference: "piscina",
    },
  ],
};
