import { createPool } from "skep";
import { limitsContract } from "./limits.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true };
  limitsContract({
    ...common,
    environment: "worker-threads",
    threaded: true,
    recursionIsCaught: true,
  });
  limitsContract({
    ...common,
    environment: "in-thread",
    threaded: false,
    recursionIsCaught: engine === "sync",
  });
}
