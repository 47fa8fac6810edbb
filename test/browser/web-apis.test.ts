import { createPool } from "skep";
import { webApisContract } from "../contracts/web-apis.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = { createPool, signals, node: false, recursionIsCaught: true };
webApisContract({ ...common, environment: "web-worker", engine: "sync", threaded: true });
webApisContract({ ...common, environment: "in-thread", engine: "asyncify", threaded: false });
