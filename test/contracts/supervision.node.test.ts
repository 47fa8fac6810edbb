import { createPool } from "skep";
import { supervisionContract } from "./supervision.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  supervisionContract({ ...common, environment: "worker-threads", threaded: true });
  supervisionContract({ ...common, environment: "in-thread", threaded: false });
}
