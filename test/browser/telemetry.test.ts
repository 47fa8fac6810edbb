import { createPool } from "skep";
import { telemetryContract } from "../contracts/telemetry.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  telemetryContract({ ...common, environment: "web-worker", threaded: true });
  telemetryContract({ ...common, environment: "in-thread", threaded: false });
}
