import { createPool } from "skep";
import { generatedValuesContract } from "../contracts/generated-values.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
  generatedValuesContract({ ...common, environment: "web-worker", threaded: true });
  generatedValuesContract({ ...common, environment: "in-thread", threaded: false });
}
