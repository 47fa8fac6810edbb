import { loadTransport } from "../guest/fetch/load-transport.web.ts";
import { hostModules } from "../guest/host-modules.web.ts";
import { loadTrackingEngine } from "../guest/tracking-engine.web.ts";
import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in a browser. */
export const inThreadWeb: Environment = inThread({
  hostModules,
  loadTrackingEngine,
  loadTransport,
});
