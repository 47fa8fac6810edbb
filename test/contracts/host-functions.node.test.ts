import { createPool } from "skep";
import { hostFunctionsContract } from "./host-functions.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  hostFunctionsContract({ ...common, environment: "worker-threads", threaded: true });
  hostFunctionsContract({ ...common, environment: "in-thread", threaded: false });
}
