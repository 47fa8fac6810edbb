import { createPool } from "skep";
import { waitingRunsContract } from "./waiting-runs.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  waitingRunsContract({ ...common, environment: "worker-threads", threaded: true });
  waitingRunsContract({ ...common, environment: "in-thread", threaded: false });
}
