/** What skep finds in a browser. */
import type { Platform } from "./contract.ts";
import { loadOnce } from "./engine-cache.ts";
import { loadEngine } from "./engine-module.ts";
import { inThreadWeb } from "./in-thread.web.ts";
import { webWorker } from "./web-worker.ts";

const environments = {
  "web-worker": webWorker,
  "in-thread": inThreadWeb,
};

const FALLBACK_WARNING =
  "skep: this page is not cross-origin isolated, so sandboxes run in the page's own thread and " +
  "block it while they run. To run them in threads, serve the page with the headers " +
  '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp", ' +
  'or pass environment: "web-worker", which runs threads without SharedArrayBuffer: running code ' +
  "then ends by its own deadline or by terminating its worker.";

export const webPlatform: Platform = {
  environments,
  automatic() {
    if (typeof Worker !== "undefined" && globalThis.crossOriginIsolated) {
      return { environment: webWorker };
    }
    return { environment: inThreadWeb, warning: FALLBACK_WARNING };
  },
  loadEngine: loadOnce(loadEngine),
  fileStorage: {
    async opfs(name) {
      const { openOriginPrivate } = await import("../files/origin-private.ts");
      return openOriginPrivate(name);
    },
  },
  get cores() {
    // Some browsers keep the number to themselves.
    return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 4);
  },
};
