import { createPool } from "skep";
import { waitingRunsContract } from "../contracts/waiting-runs.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
waitingRunsContract({ ...common, environment: "web-worker", threaded: true });
waitingRunsContract({ ...common, environment: "in-thread", threaded: false });
