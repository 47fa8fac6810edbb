import { microseconds } from "./units.mjs";

/** @param {number} inFlight */
function contenders(inFlight) {
  return [
    {
      id: "remote",
      label: "skep, a remote worker",
      module: "remote.mjs",
      options: { inFlight },
    },
    {
      id: "raw",
      label: "a bare process that echoes over a WebSocket",
      module: "raw-websocket.mjs",
      options: { inFlight },
    },
  ];
}

/** @param {number} bound */
function comparisons(bound) {
  return [
    {
      label: "a remote worker against an echo",
      subject: "remote",
      reference: "raw",
      target: { measure: /** @type {const} */ ("times-worse"), bound },
    },
  ];
}

/** @type {import("../harness/rounds.mjs").Row} */
export const remoteOneAtATime = {
  id: "remote-one-at-a-time",
  title: "One call of add(1, 2) at a time, in a remote worker",
  note: "The worker is in another process of this machine. The bare process gets and sends as many bytes as a call has, over ws as well.",
  unit: microseconds,
  contenders: contenders(1),
  comparisons: comparisons(1.5),
};

/** @type {import("../harness/rounds.mjs").Row} */
export const remoteThroughput = {
  id: "remote-throughput",
  title: "Calls of add(1, 2) with 64 in flight, in one remote worker",
  note: "As above. 40 % of the echo's throughput is 2.5 times its time. skep sends what is called in the same turn in one batch, the bare process a message for each.",
  unit: microseconds,
  contenders: contenders(64),
  comparisons: comparisons(2.5),
};
