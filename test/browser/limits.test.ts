import { createPool } from "skep";
import { limitsContract } from "../contracts/limits.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
limitsContract({ ...common, environment: "web-worker", threaded: true });
limitsContract({ ...common, environment: "in-thread", threaded: false });
