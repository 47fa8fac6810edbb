import { createPool } from "skep";
import { fetchContract } from "../contracts/fetch.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = { createPool, signals, node: false, recursionIsCaught: true };
fetchContract({ ...common, environment: "web-worker", engine: "sync", threaded: true });
fetchContract({ ...common, environment: "in-thread", engine: "asyncify", threaded: false });
