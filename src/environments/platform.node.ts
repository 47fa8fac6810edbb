/** What skep finds in Node. */
import { availableParallelism } from "node:os";
import type { Platform } from "./contract.ts";
import { childProcess } from "./child-process.ts";
import { loadOnce } from "./engine-cache.ts";
import { loadEngine } from "./engine-module.node.ts";
import { inThreadNode } from "./in-thread.node.ts";
import { workerThreads } from "./worker-threads.ts";

const environments = {
  "worker-threads": workerThreads,
  "child-process": childProcess(),
  "in-thread": inThreadNode,
};

export const nodePlatform: Platform = {
  environments,
  automatic: () => ({ environment: workerThreads }),
  loadEngine: loadOnce(loadEngine),
  async bundlePackage(specifier, version) {
    const { bundlePackage } = await import("../dependencies/bundle.node.ts");
    const root = process.cwd();
    const { kind, source } = await bundlePackage({ specifier, version, from: root, root });
    return { kind, source };
  },
  async placeInPackage(specifier, location) {
    const { originalPlace } = await import("../dependencies/original-place.node.ts");
    const root = process.cwd();
    return originalPlace({ specifier, from: root, root }, location);
  },
  fileStorage: {
    async directory(path) {
      const { openDirectory } = await import("../files/directory.node.ts");
      return openDirectory(path);
    },
  },
  get cores() {
    return Math.max(1, availableParallelism());
  },
};
