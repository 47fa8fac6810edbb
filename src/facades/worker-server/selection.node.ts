/** Which worker gets a request. */
import { OPEN } from "./delivery.node.ts";
import type { ConnectedWorker } from "./worker.node.ts";
import { WorkerStatus } from "./worker.node.ts";

/**
 * How a wanted model is compared with those of a worker: `exact` ids, or `substring`, where either
 * id may be part of the other (`gpt-4` then serves `gpt-4o-mini`, too), or as a function says.
 */
export type ModelMatching =
  | "exact"
  | "substring"
  | ((modelId: string, wantedModel: string) => boolean);

/** What a request needs of a worker. */
export interface WorkerNeeds {
  /** The model it needs. Without it any worker will do. */
  model?: string | undefined;
  /** Counted against the worker's limit for this category, if it declares one. */
  category?: string | undefined;
}

/** The worker with room that uses the least part of what it takes at once; of equals the first. */
export function leastLoaded(
  workers: Iterable<ConnectedWorker>,
  needs: WorkerNeeds,
  matching: ModelMatching,
): ConnectedWorker | null {
  let best: ConnectedWorker | null = null;
  let lowestLoad = Infinity;
  for (const worker of workers) {
    if (freeSlots(worker, needs, matching) === 0) continue;
    const load = worker.activeRequests / worker.capabilities.maxConcurrentRequests;
    if (load >= lowestLoad) continue;
    lowestLoad = load;
    best = worker;
  }
  return best;
}

/** How many such requests a worker would take now. */
export function freeSlots(
  worker: ConnectedWorker,
  { model, category }: WorkerNeeds,
  matching: ModelMatching,
): number {
  if (worker.status !== WorkerStatus.Available) return 0;
  if (worker.websocket.readyState !== OPEN) return 0;
  if (model !== undefined && !hasModel(worker, model, matching)) return 0;
  const free = worker.capabilities.maxConcurrentRequests - worker.activeRequests;
  const limit = categoryLimit(worker, category);
  if (category === undefined || limit === undefined) return Math.max(0, free);
  const used = worker.categoryActiveRequests.get(category) ?? 0;
  return Math.max(0, Math.min(free, limit - used));
}

function categoryLimit(worker: ConnectedWorker, category: string | undefined): number | undefined {
  const limits = worker.capabilities.concurrencyLimits;
  if (category === undefined || limits === undefined) return undefined;
  return Object.hasOwn(limits, category) ? limits[category] : undefined;
}

function hasModel(worker: ConnectedWorker, wanted: string, matching: ModelMatching): boolean {
  return worker.capabilities.models.some(({ modelId }) => {
    if (typeof matching === "function") return matching(modelId, wanted);
    if (modelId === wanted) return true;
    if (matching === "exact" || wanted === "" || modelId === "") return false;
    return modelId.includes(wanted) || wanted.includes(modelId);
  });
}
