import { afterAll, beforeAll } from "vitest";
import { createPool, type PoolOptions } from "skep";
import { remote, WorkerServer } from "skep/worker-server";
import { Machine } from "../machines/machine.ts";
import { tortureContract } from "./suite.ts";

const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
let machine: Machine | undefined;
beforeAll(async () => {
  await server.start();
  const url = `ws://127.0.0.1:${server.port}`;
  machine = await new Machine({
    url,
    workers: 8,
    allowHostModules: true,
    allowFetch: true,
  }).ready();
});
afterAll(async () => {
  await machine?.kill();
  await server.stop({ drainTimeoutMs: 0 });
});

// What the host's process holds: that of the guests is not its own.
const residentBytes = () => process.memoryUsage().rss;
const terrain = {
  createPool: (options?: PoolOptions) => createPool({ ...options, environment: remote(server) }),
  environment: "remote",
  threaded: true,
  signals: true,
  node: true,
  recursionIsCaught: true,
  residentBytes,
};
// Few of them in `npm test`: what is tried happens in a thread as in worker-threads.
tortureContract({ ...terrain, engine: "sync" }, { first: 5, every: 12 });
