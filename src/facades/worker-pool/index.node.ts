/** `skep/worker-pool` in Node: workers are threads. */
import { nodePlatform } from "../../environments/platform.node.ts";
import { startEnabledParts, WorkerEnabledContext } from "./enabled-context.ts";
import { resolveEnabled, type WorkerEnabledContextOptions } from "./enabled-options.ts";
import { resolveSettings, type WorkerPoolOptions } from "./options.ts";
import { QuickJSWorkerPool, startPoolParts } from "./pool.ts";
import { SharedPool } from "./shared-pool.ts";
import type { WorkerPoolHome } from "./workers.ts";

export * from "./public.ts";

const home: WorkerPoolHome = { platform: nodePlatform, threads: () => "worker-threads" };
const shared: SharedPool = /*#__PURE__*/ new SharedPool(newWorkerPool);

/** Starts a pool. Resolves when its first worker is ready, with `preWarm` when all of them are. */
export async function newWorkerPool(options: WorkerPoolOptions = {}): Promise<QuickJSWorkerPool> {
  return new QuickJSWorkerPool(await startPoolParts(home, resolveSettings(options)));
}

/** A pool that all who ask share, with no options; a new one when it was disposed. */
export function getWorkerPool(): Promise<QuickJSWorkerPool> {
  return shared.get();
}

/** The pool of {@link getWorkerPool}. Throws before that has resolved. */
export function getWorkerPoolSync(): QuickJSWorkerPool {
  return shared.getSync();
}

/** Starts a pool with a local context for handles, which needs `quickjs-emscripten-core`. */
export async function newWorkerEnabledContext(
  options: WorkerEnabledContextOptions = {},
): Promise<WorkerEnabledContext> {
  return new WorkerEnabledContext(await startEnabledParts(home, resolveEnabled(options)));
}
