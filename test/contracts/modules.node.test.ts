import { createPool } from "skep";
import { modulesContract } from "./modules.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  modulesContract({ ...common, environment: "worker-threads", threaded: true });
  modulesContract({ ...common, environment: "in-thread", threaded: false });
}
