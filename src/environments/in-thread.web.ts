import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in a browser. */
export const inThreadWeb: Environment = inThread(async () => {
  const [{ hostModules }, { loadTrackingEngine }, { loadTransport }] = await Promise.all([
    import("../guest/host-modules.web.ts"),
    import("../guest/tracking-engine.web.ts"),
    import("../guest/fetch/load-transport.web.ts"),
  ]);
  return { hostModules, loadTrackingEngine, loadTransport };
});
