import { createPool } from "skep";
import { modulesContract } from "./modules.ts";
import { typedSourcesContract } from "./typed-sources.ts";

for (const contract of [modulesContract, typedSourcesContract])
  for (const engine of ["sync", "asyncify"] as const) {
    const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
    contract({ ...common, environment: "worker-threads", threaded: true });
    contract({ ...common, environment: "in-thread", threaded: false });
  }
