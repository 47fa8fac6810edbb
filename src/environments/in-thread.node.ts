import type { Environment } from "./contract.ts";
import { inThread } from "./in-thread.ts";

/** The caller's own thread, in Node. */
export const inThreadNode: Environment = inThread(async () => {
  const { hostModules } = await import("../guest/host-modules.node.ts");
  return hostModules;
});
