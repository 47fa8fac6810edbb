/** What every environment promises, on workers that another process lends over a WebSocket. */
import { afterAll, beforeAll } from "vitest";
import { createPool } from "skep";
import { remote, WorkerServer } from "skep/worker-server";
import { Machine } from "../machines/machine.ts";
import { fetchContract } from "./fetch.ts";
import { hostFunctionsContract } from "./host-functions.ts";
import { limitsContract } from "./limits.ts";
import { modulesContract } from "./modules.ts";
import { receiptsContract } from "./receipts.ts";
import { sessionsContract } from "./sessions.ts";
import { poolContract, type Terrain } from "./suite.ts";
import { supervisionContract } from "./supervision.ts";
import { telemetryContract } from "./telemetry.ts";
import { webApisContract } from "./web-apis.ts";
import { waitingRunsContract } from "./waiting-runs.ts";

const server = new WorkerServer({ port: 0, host: "127.0.0.1", authToken: "of the tests" });
let machine: Machine | undefined;

beforeAll(async () => {
  await server.start();
  const url = `ws://127.0.0.1:${server.port}`;
  const token = "of the tests";
  machine = await new Machine({
    url,
    token,
    workers: 16,
    allowHostModules: true,
    allowFetch: true,
  }).ready();
});
afterAll(async () => {
  await machine?.kill();
  await server.stop({ drainTimeoutMs: 0 });
});

const terrain: Terrain = {
  createPool: (options) => createPool({ ...options, environment: remote(server) }),
  environment: "remote",
  engine: "sync",
  threaded: true,
  signals: true,
  recursionIsCaught: true,
  node: true,
};

poolContract(terrain);
limitsContract(terrain);
hostFunctionsContract(terrain);
waitingRunsContract(terrain);
modulesContract(terrain);
sessionsContract(terrain);
receiptsContract(terrain);
supervisionContract(terrain);
telemetryContract(terrain);
webApisContract(terrain);
fetchContract(terrain);
