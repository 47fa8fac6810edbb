// skep with its one worker on another machine, which is a process here.
import { fork } from "node:child_process";
import { createPool } from "../../dist/index.node.js";
import { remote, WorkerServer } from "../../dist/facades/worker-server/index.node.js";
import { ADD, callsInFlight, expect, oneAfterTheOther } from "./workload.mjs";

/** @param {{ inFlight: number }} options */
export async function open({ inFlight }) {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
  await server.start();
  const url = `ws://127.0.0.1:${server.port}`;
  const machine = fork(new URL("processes/lend.mjs", import.meta.url), [url]);
  const pool = await createPool({
    environment: remote(server),
    workers: 1,
    functions: { work: ADD },
  });
  const call = () => pool.call.work(1, 2);
  expect(await call(), 3);
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    async close() {
      await pool.close({ force: true });
      await server.stop({ drainTimeoutMs: 0 });
      machine.disconnect();
    },
  };
}
