/** Giving a request to a worker: choosing, counting and sending in one step. */
import { randomUUID } from "node:crypto";
import { invalid } from "../../pool/option-checks.ts";
import { messageOf } from "./logging.ts";
import { checkTimeout } from "./options.node.ts";
import type { WorkerNeeds } from "./selection.node.ts";
import { type ConnectedWorker, snapshot, type WorkerInfo } from "./worker.node.ts";
import type { WorkerPool } from "./worker-pool.node.ts";

/** A request for whichever worker suits it. A `TrackedRequest` that was lost is one, too. */
export interface DispatchRequest extends WorkerNeeds {
  /** What is sent as JSON. Its `requestId` names the request; without one it gets a UUID. */
  message: Readonly<Record<string, unknown>>;
  /** Milliseconds it may take; 0 is without end. Default: the server's `requestTimeoutMs`. */
  timeoutMs?: number | undefined;
}

/** A request that a worker was sent. */
export interface Dispatched {
  /** The worker, with this request among its own. */
  readonly worker: WorkerInfo;
  /** What was sent, with its `requestId`. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  /** Call this when the worker has done it: frees its slot and counts it. Once is enough. */
  complete(): void;
  /** Call this when the worker could not do it: frees its slot. */
  fail(): void;
}

/** Gives a request to the least loaded worker that can be sent to. Null when there is none. */
export function dispatch(
  pool: WorkerPool,
  request: DispatchRequest,
  maxBufferedBytes: number,
): Dispatched | null {
  const { model, category } = request;
  const message = withId(request.message);
  const { requestId } = message;
  if (pool.getRequest(requestId) !== undefined) {
    throw invalid(`dispatch: a worker has the request "${requestId}" already. Release it first.`);
  }
  const timeoutMs =
    request.timeoutMs === undefined
      ? undefined
      : checkTimeout(request.timeoutMs, "dispatch: timeoutMs", 0);
  const text = serialize(message);
  if (Buffer.byteLength(text) > maxBufferedBytes) {
    throw invalid(`dispatch: the message is larger than maxBufferedBytes (${maxBufferedBytes}).`);
  }
  const failed = new Set<ConnectedWorker>();
  for (;;) {
    const worker = pool.find({ model, category }, failed);
    if (worker === null) return null;
    pool.trackRequest(worker.id, requestId, category, { model, message, timeoutMs });
    if (pool.deliver(worker, text)) return dispatched(pool, worker, message);
    pool.releaseRequest(requestId);
    failed.add(worker);
  }
}

function dispatched(
  pool: WorkerPool,
  worker: ConnectedWorker,
  message: Dispatched["message"] & { requestId: string },
): Dispatched {
  const { requestId } = message;
  const tracked = pool.getRequest(requestId);
  function release(incrementCompleted: boolean): void {
    // Another worker may have been given it since.
    if (pool.getRequest(requestId) !== tracked) return;
    pool.releaseRequest(requestId, { incrementCompleted });
  }
  return {
    worker: snapshot(worker),
    message,
    requestId,
    complete: () => release(true),
    fail: () => release(false),
  };
}

function withId(
  message: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> & { requestId: string } {
  const given = message["requestId"];
  if (given === undefined) return Object.freeze({ ...message, requestId: randomUUID() });
  if (typeof given !== "string" || given === "") {
    throw invalid("dispatch: message.requestId must be text, and not empty.");
  }
  return Object.freeze({ ...message, requestId: given });
}

function serialize(message: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(message);
  } catch (error) {
    throw invalid(`dispatch: the message cannot be written as JSON: ${messageOf(error)}`);
  }
}
