import { loadTransport } from "../guest/fetch/load-transport.node.ts";
import { hostModules } from "../guest/host-modules.node.ts";
import { loadTrackingEngine } from "../guest/tracking-engine.node.ts";
import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in Node. */
export const inThreadNode: Environment = inThread({
  hostModules,
  loadTrackingEngine,
  loadTransport,
});
