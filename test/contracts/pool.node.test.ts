import { createPool } from "skep";
import { poolContract } from "./suite.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true };
  poolContract({
    ...common,
    environment: "worker-threads",
    threaded: true,
    recursionIsCaught: true,
  });
  poolContract({
    ...common,
    environment: "in-thread",
    threaded: false,
    recursionIsCaught: engine === "sync",
  });
}
