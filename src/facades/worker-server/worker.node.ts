/** A connected worker: its record, its status, and what others see of it. */
import type { WebSocket } from "ws";
import type { WorkerCapabilities } from "./capabilities.ts";

/** What a worker is up to. */
export const WorkerStatus = {
  /** Takes new requests. */
  Available: "available",
  /** Has as many requests as it takes at once. */
  Busy: "busy",
  /** Finishes what it has and takes nothing new. */
  Draining: "draining",
  /** Its heartbeat is overdue. */
  Unhealthy: "unhealthy",
} as const;
/** What a worker is up to: one of the values of the constant of this name. */
export type WorkerStatus = (typeof WorkerStatus)[keyof typeof WorkerStatus];

/** A worker as it was at one moment. Frozen; the collections are copies. */
export interface WorkerInfo {
  readonly id: string;
  readonly name: string;
  readonly status: WorkerStatus;
  readonly capabilities: WorkerCapabilities;
  /** A UUID, new with every registration. */
  readonly sessionId: string;
  readonly connectedAt: Date;
  readonly lastHeartbeat: Date;
  readonly activeRequests: number;
  readonly completedRequests: number;
  readonly pendingRequestIds: ReadonlySet<string>;
  /** Active requests by category. A category without any is absent. */
  readonly categoryActiveRequests: ReadonlyMap<string, number>;
}

/** A worker as a `WorkerPool` keeps it, with its WebSocket. The pool changes it. */
export interface ConnectedWorker {
  readonly id: string;
  readonly name: string;
  readonly websocket: WebSocket;
  readonly capabilities: WorkerCapabilities;
  status: WorkerStatus;
  readonly sessionId: string;
  readonly connectedAt: Date;
  /** Replaced by each heartbeat. */
  lastHeartbeat: Date;
  activeRequests: number;
  completedRequests: number;
  readonly pendingRequests: Set<string>;
  readonly categoryActiveRequests: Map<string, number>;
  /** Whether it takes nothing new, also while its status is `unhealthy`. */
  isDraining?: boolean;
  /** Why the server cut the connection without a close frame. */
  cutReason?: string;
}

/** The one place that decides a status. */
export function settleStatus(worker: ConnectedWorker, isOverdue: boolean): void {
  if (isOverdue) worker.status = WorkerStatus.Unhealthy;
  else if (worker.isDraining === true) worker.status = WorkerStatus.Draining;
  else worker.status = isFull(worker) ? WorkerStatus.Busy : WorkerStatus.Available;
}

/** A worker as others may see it: without its WebSocket, and not to be changed through. */
export function snapshot(worker: ConnectedWorker): WorkerInfo {
  return Object.freeze({
    id: worker.id,
    name: worker.name,
    status: worker.status,
    capabilities: worker.capabilities,
    sessionId: worker.sessionId,
    connectedAt: new Date(worker.connectedAt),
    lastHeartbeat: new Date(worker.lastHeartbeat),
    activeRequests: worker.activeRequests,
    completedRequests: worker.completedRequests,
    pendingRequestIds: new Set(worker.pendingRequests),
    categoryActiveRequests: new Map(worker.categoryActiveRequests),
  });
}

function isFull({ activeRequests, capabilities }: ConnectedWorker): boolean {
  return activeRequests >= capabilities.maxConcurrentRequests;
}
