import { createPool } from "skep";
import { sessionsContract } from "./sessions.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  sessionsContract({ ...common, environment: "worker-threads", threaded: true });
  sessionsContract({ ...common, environment: "in-thread", threaded: false });
}
