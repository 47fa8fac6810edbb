import { createPool } from "skep";
import { sessionsContract } from "../contracts/sessions.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
sessionsContract({ ...common, environment: "web-worker", threaded: true });
sessionsContract({ ...common, environment: "in-thread", threaded: false });
