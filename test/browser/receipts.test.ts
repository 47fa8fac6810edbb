import { createPool } from "skep";
import { receiptsContract } from "../contracts/receipts.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  receiptsContract({ ...common, environment: "web-worker", threaded: true });
  receiptsContract({ ...common, environment: "in-thread", threaded: false });
}
