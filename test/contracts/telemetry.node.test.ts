import { createPool } from "skep";
import { telemetryContract } from "./telemetry.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true };
  telemetryContract({
    ...common,
    environment: "worker-threads",
    threaded: true,
    recursionIsCaught: true,
  });
  telemetryContract({
    ...common,
    environment: "in-thread",
    threaded: false,
    recursionIsCaught: engine === "sync",
  });
}
