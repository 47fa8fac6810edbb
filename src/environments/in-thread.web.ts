import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in a browser. */
export const inThreadWeb: Environment = inThread(async () => {
  const { hostModules } = await import("../guest/host-modules.web.ts");
  return hostModules;
});
