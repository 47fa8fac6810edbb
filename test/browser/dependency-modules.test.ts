import { createPool } from "skep";
import { dependencyModulesContract } from "../contracts/dependency-modules.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  dependencyModulesContract({ ...common, environment: "web-worker", threaded: true });
  dependencyModulesContract({ ...common, environment: "in-thread", threaded: false });
}
