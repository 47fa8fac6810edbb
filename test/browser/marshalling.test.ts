import { createPool } from "skep";
import { marshallingContract } from "../contracts/marshalling.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  marshallingContract({ ...common, environment: "web-worker", threaded: true });
  marshallingContract({ ...common, environment: "in-thread", threaded: false });
}
