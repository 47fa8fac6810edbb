import { createPool } from "skep";
import { poolImageContract } from "./pool-image.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  poolImageContract({ ...common, environment: "worker-threads", threaded: true });
  poolImageContract({ ...common, environment: "in-thread", threaded: false });
}
