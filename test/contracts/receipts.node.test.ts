import { createPool } from "skep";
import { receiptsContract } from "./receipts.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true };
  receiptsContract({
    ...common,
    environment: "worker-threads",
    threaded: true,
    recursionIsCaught: true,
  });
  receiptsContract({
    ...common,
    environment: "in-thread",
    threaded: false,
    recursionIsCaught: engine === "sync",
  });
}
