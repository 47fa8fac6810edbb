import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in Node. */
export const inThreadNode: Environment = inThread(async () => {
  const [{ hostModules }, { loadTrackingEngine }, { loadTransport }] = await Promise.all([
    import("../guest/host-modules.node.ts"),
    import("../guest/tracking-engine.node.ts"),
    import("../guest/fetch/load-transport.node.ts"),
  ]);
  return { hostModules, loadTrackingEngine, loadTransport };
});
