import { createPool } from "skep";
import { marshallingContract } from "./marshalling.ts";

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  marshallingContract({ ...common, environment: "worker-threads", threaded: true });
  marshallingContract({ ...common, environment: "in-thread", threaded: false });
  marshallingContract({ ...common, environment: "child-process", threaded: true });
}
