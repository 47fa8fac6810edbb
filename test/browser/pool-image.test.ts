import { createPool } from "skep";
import { poolImageContract } from "../contracts/pool-image.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
poolImageContract({ ...common, environment: "web-worker", threaded: true });
poolImageContract({ ...common, environment: "in-thread", threaded: false });
