import { createPool } from "skep";
import { modulesContract } from "../contracts/modules.ts";
import { typedSourcesContract } from "../contracts/typed-sources.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
for (const contract of [modulesContract, typedSourcesContract])
  for (const engine of ["sync", "asyncify"] as const) {
    const common = { createPool, engine, signals, node: false, recursionIsCaught: true };
    contract({ ...common, environment: "web-worker", threaded: true });
    contract({ ...common, environment: "in-thread", threaded: false });
  }
