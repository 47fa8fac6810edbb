// A bare process that sends back what it gets over Node's IPC channel: what messages alone cost.
import { fork } from "node:child_process";
import { callsInFlight, oneAfterTheOther } from "./workload.mjs";

/** About what a call of add(1, 2) takes on its way, and its result on the way back. */
const CALL_BYTES = 32;

/** @param {{ inFlight: number }} options */
export async function open({ inFlight }) {
  const child = fork(new URL("processes/echo.mjs", import.meta.url), {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  /** @type {((message: unknown) => void)[]} */
  const waiting = [];
  child.on("message", (message) => waiting.shift()?.(message));
  const bytes = new Uint8Array(CALL_BYTES);
  const call = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child.send(bytes);
    });
  await call();
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    async close() {
      child.disconnect();
    },
  };
}
