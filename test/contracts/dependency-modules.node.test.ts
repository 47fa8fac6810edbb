import { createPool } from "skep";
import { dependencyModulesContract } from "./dependency-modules.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  dependencyModulesContract({ ...common, environment: "worker-threads", threaded: true });
  dependencyModulesContract({ ...common, environment: "in-thread", threaded: false });
}
