import { createPool } from "skep";
import { hostFunctionsContract } from "../contracts/host-functions.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
hostFunctionsContract({ ...common, environment: "web-worker", threaded: true });
hostFunctionsContract({ ...common, environment: "in-thread", threaded: false });
