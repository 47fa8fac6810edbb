import { createPool } from "skep";
import { supervisionContract } from "../contracts/supervision.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
supervisionContract({ ...common, environment: "web-worker", threaded: true });
supervisionContract({ ...common, environment: "in-thread", threaded: false });
