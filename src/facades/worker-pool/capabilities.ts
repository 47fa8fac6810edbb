/** What can be told about the surroundings without starting anything. */

/** Where this runs. */
export type PlatformName = "node" | "browser";

export function detectPlatform(): PlatformName {
  const { process } = globalThis as { process?: { versions?: { node?: unknown } } };
  return process?.versions?.node === undefined ? "browser" : "node";
}

/**
 * Whether memory can be shared with workers: always in Node, in a browser on pages that are
 * cross-origin isolated. Pools have threads without it too: `pool.isMultiThreaded` says whether.
 */
export function isMultiThreadingSupported(): boolean {
  if (detectPlatform() === "node") return true;
  // Some browsers have the constructor on all pages, and use for it on few.
  return typeof SharedArrayBuffer !== "undefined" && globalThis.crossOriginIsolated;
}

/** Workers of a pool that is not told how many: logical processors, or 4 where nobody says. */
export function getDefaultPoolSize(): number {
  const { navigator, process } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: { getBuiltinModule?: (name: string) => { availableParallelism(): number } };
  };
  const cores =
    navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os").availableParallelism();
  return cores !== undefined && cores >= 1 ? cores : 4;
}
