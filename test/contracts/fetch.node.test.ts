import { createPool } from "skep";
import { fetchContract } from "./fetch.ts";

const common = { createPool, signals: true, node: true };
for (const engine of ["sync", "asyncify"] as const) {
  fetchContract({
    ...common,
    environment: "worker-threads",
    engine,
    threaded: true,
    recursionIsCaught: true,
  });
  fetchContract({
    ...common,
    environment: "in-thread",
    engine,
    threaded: false,
    recursionIsCaught: engine === "sync",
  });
}
