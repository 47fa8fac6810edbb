import { createPool } from "skep";
import { webApisContract } from "./web-apis.ts";

const common = { createPool, signals: true, node: true };
webApisContract({
  ...common,
  environment: "worker-threads",
  engine: "sync",
  threaded: true,
  recursionIsCaught: true,
});
webApisContract({
  ...common,
  environment: "in-thread",
  engine: "asyncify",
  threaded: false,
  recursionIsCaught: false,
});
