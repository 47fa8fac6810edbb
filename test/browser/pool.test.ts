import { createPool } from "skep";
import { poolContract } from "../contracts/suite.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  poolContract({ ...common, environment: "web-worker", threaded: true });
  poolContract({ ...common, environment: "in-thread", threaded: false });
}
