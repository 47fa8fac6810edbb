// A round's figure is milliseconds per operation, but for memory, where it is bytes.

/** @typedef {import("../harness/rounds.mjs").Unit} Unit */

/** @type {Unit} */
export const microseconds = { name: "µs per call", from: (ms) => ms * 1000, better: "lower" };

/** @type {Unit} */
export const milliseconds = { name: "ms", from: (ms) => ms, better: "lower" };

/** @type {Unit} */
export const callsPerSecond = { name: "calls/s", from: (ms) => 1000 / ms, better: "higher" };

/** @param {number} bytes Of one operation. @returns {Unit} */
export const gigabytesPerSecond = (bytes) => ({
  name: "GB/s",
  from: (ms) => bytes / ms / 1e6,
  better: "higher",
});

/** @type {Unit} */
export const mebibytes = { name: "MiB", from: (bytes) => bytes / 2 ** 20, better: "lower" };
