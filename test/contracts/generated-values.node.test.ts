import { createPool } from "skep";
import { generatedValuesContract } from "./generated-values.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  generatedValuesContract({ ...common, environment: "worker-threads", threaded: true });
  generatedValuesContract({ ...common, environment: "in-thread", threaded: false });
}
