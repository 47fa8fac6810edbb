/** What every environment promises, on workers that are processes. */
import { createPool } from "skep";
import { dependencyModulesContract } from "./dependency-modules.ts";
import { fetchContract } from "./fetch.ts";
import { hostFunctionsContract } from "./host-functions.ts";
import { limitsContract } from "./limits.ts";
import { modulesContract } from "./modules.ts";
import { receiptsContract } from "./receipts.ts";
import { poolImageContract } from "./pool-image.ts";
import { sessionsContract } from "./sessions.ts";
import { poolContract, type Terrain } from "./suite.ts";
import { supervisionContract } from "./supervision.ts";
import { telemetryContract } from "./telemetry.ts";
import { waitingRunsContract } from "./waiting-runs.ts";
import { webApisContract } from "./web-apis.ts";

const terrain: Terrain = {
  createPool,
  environment: "child-process",
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
dependencyModulesContract(terrain);
supervisionContract(terrain);
telemetryContract(terrain);
receiptsContract(terrain);
webApisContract(terrain);
fetchContract(terrain);
sessionsContract(terrain);
poolImageContract(terrain);

// The engines differ inside the guests' thread, which is the same as in worker-threads: here the
// question is only whether a process gets the right one, and what blocks and what hangs in it.
hostFunctionsContract({ ...terrain, engine: "asyncify" });
supervisionContract({ ...terrain, engine: "asyncify" });
