import { createPool } from "skep";
import { modulesContract } from "../contracts/modules.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  modulesContract({ ...common, environment: "web-worker", threaded: true });
  modulesContract({ ...common, environment: "in-thread", threaded: false });
}
