/** The workers that are connected, what each is doing, and which one is next. */
import { type Clock, systemClock } from "../../pool/clock.ts";
import { deliver } from "./delivery.node.ts";
import { Listeners, messageOf, safeLogger, type WorkerServerLogger } from "./logging.ts";
import { CLOSINGS } from "./messages.ts";
import { type RequestLoss, RequestTable, type TrackedRequest } from "./requests.ts";
import { freeSlots, leastLoaded, type ModelMatching, type WorkerNeeds } from "./selection.node.ts";
import { type ConnectedWorker, settleStatus, snapshot, type WorkerInfo } from "./worker.node.ts";
import { WorkerStatus } from "./worker.node.ts";

/** Options of a {@link WorkerPool}. */
export interface WorkerPoolOptions {
  /** How models are compared. Default `exact`. */
  modelMatching?: ModelMatching | undefined;
  /** Bytes that may wait for a worker to read them; one that falls behind is cut. Default 16 MiB. */
  maxBufferedBytes?: number | undefined;
  /** Milliseconds a request may take, 0 is without end. Default 0. */
  requestTimeoutMs?: number | undefined;
  /** What tells the time, for tests. */
  clock?: Clock | undefined;
}

/** What else is known of a request that is tracked. */
export interface TrackOptions {
  /** Milliseconds it may take, 0 is without end. Default: the pool's `requestTimeoutMs`. */
  timeoutMs?: number | undefined;
  /** The model it needs, for whoever gives it to another worker. */
  model?: string | undefined;
  /** What was sent, likewise. */
  message?: Readonly<Record<string, unknown>> | undefined;
}

/** Workers by id, in the order in which they came. */
export class WorkerPool {
  readonly #workers = new Map<string, ConnectedWorker>();
  readonly #logger: WorkerServerLogger;
  readonly #clock: Clock;
  readonly #matching: ModelMatching;
  readonly #maxBufferedBytes: number;
  readonly #requestTimeoutMs: number;
  readonly #requests: RequestTable;
  readonly #lost: Listeners<[request: TrackedRequest, loss: RequestLoss]>;
  readonly #released: Listeners<[]>;
  /** When a heartbeat came, on a clock that nobody sets. */
  readonly #heardAtMs = new WeakMap<Date, number>();

  constructor(logger?: WorkerServerLogger, options: WorkerPoolOptions = {}) {
    this.#logger = safeLogger(logger);
    this.#clock = options.clock ?? systemClock;
    this.#matching = options.modelMatching ?? "exact";
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 16 * 2 ** 20;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 0;
    this.#requests = new RequestTable(this.#clock, (request) => this.#timeOut(request));
    this.#lost = new Listeners("onRequestLost", this.#logger);
    this.#released = new Listeners("onRequestReleased", this.#logger);
  }

  /** Adds a worker, or replaces the one of its id. */
  add(worker: ConnectedWorker): void {
    this.remove(worker.id);
    this.#workers.set(worker.id, worker);
  }

  /** Removes a worker, and returns it. Its requests are no longer tracked. */
  remove(id: string): ConnectedWorker | undefined {
    const worker = this.#workers.get(id);
    if (worker === undefined) return undefined;
    for (const requestId of worker.pendingRequests) this.#requests.take(requestId);
    this.#workers.delete(id);
    this.#released.tell();
    return worker;
  }

  get(id: string): ConnectedWorker | undefined {
    return this.#workers.get(id);
  }

  has(id: string): boolean {
    return this.#workers.has(id);
  }

  values(): IterableIterator<ConnectedWorker> {
    return this.#workers.values();
  }

  /** The least loaded worker with this model and with room, in this category too. */
  getAvailableWorker(model: string, category?: string): ConnectedWorker | null {
    return this.find({ model, category });
  }

  /** The least loaded worker with room, whatever its models. */
  getAnyAvailableWorker(): ConnectedWorker | null {
    return this.find({});
  }

  /** The least loaded worker with room that meets all needs, but for some. */
  find(needs: WorkerNeeds, except?: ReadonlySet<ConnectedWorker>): ConnectedWorker | null {
    const workers = [...this.#workers.values()].filter((worker) => except?.has(worker) !== true);
    return leastLoaded(workers, needs, this.#matching);
  }

  /** How many requests with such needs would be taken now. */
  availableSlots(needs: WorkerNeeds = {}): number {
    let slots = 0;
    for (const worker of this.#workers.values()) slots += freeSlots(worker, needs, this.#matching);
    return slots;
  }

  /**
   * Counts a request as a worker's. One that is counted already stays counted once; with another
   * worker's id it moves there. False when there is no such worker.
   */
  trackRequest(
    workerId: string,
    requestId: string,
    category?: string,
    options: TrackOptions = {},
  ): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return false;
    if (this.#requests.get(requestId)?.workerId === workerId) return true;
    this.releaseRequest(requestId);
    const { model, message, timeoutMs = this.#requestTimeoutMs } = options;
    const request: TrackedRequest = Object.freeze({
      requestId,
      workerId,
      ...(model === undefined ? {} : { model }),
      ...(category === undefined ? {} : { category }),
      ...(message === undefined ? {} : { message }),
      startedAt: new Date(),
    });
    this.#requests.add(request, timeoutMs);
    worker.pendingRequests.add(requestId);
    worker.activeRequests++;
    if (category !== undefined) addTo(worker.categoryActiveRequests, category, 1);
    this.#settle(worker);
    return true;
  }

  /** Counts a request as done. False when it is not tracked. */
  releaseRequest(requestId: string, options: { incrementCompleted?: boolean } = {}): boolean {
    const request = this.#requests.take(requestId);
    if (request === undefined) return false;
    const worker = this.#workers.get(request.workerId);
    if (worker !== undefined) {
      worker.pendingRequests.delete(requestId);
      worker.activeRequests--;
      if (request.category !== undefined)
        addTo(worker.categoryActiveRequests, request.category, -1);
      if (options.incrementCompleted === true) worker.completedRequests++;
      this.#settle(worker);
    }
    this.#released.tell();
    return true;
  }

  /** A request that is tracked. */
  getRequest(requestId: string): TrackedRequest | undefined {
    return this.#requests.get(requestId);
  }

  /** The requests that a worker has, oldest first. */
  requestsOf(workerId: string): TrackedRequest[] {
    const ids = this.#workers.get(workerId)?.pendingRequests ?? [];
    return [...ids].flatMap((requestId) => this.#requests.get(requestId) ?? []);
  }

  /** Calls a handler for each request whose worker will not answer. Returns how to stop that. */
  onRequestLost(handler: (request: TrackedRequest, loss: RequestLoss) => unknown): () => void {
    return this.#lost.add(handler);
  }

  /** Calls a handler when requests were released or their worker left. */
  onRequestReleased(handler: () => unknown): () => void {
    return this.#released.add(handler);
  }

  /** Tells the handlers of {@link onRequestLost} of requests that went with their worker. */
  reportLost(requests: readonly TrackedRequest[]): void {
    for (const request of requests) this.#lost.tell(request, "disconnected");
  }

  getCount(): number {
    return this.#workers.size;
  }

  /** Whether some worker has requests. */
  get isBusy(): boolean {
    for (const { pendingRequests } of this.#workers.values()) {
      if (pendingRequests.size > 0) return true;
    }
    return false;
  }

  /** How many workers take new requests. */
  getAvailableCount(): number {
    let count = 0;
    for (const { status } of this.#workers.values()) if (status === WorkerStatus.Available) count++;
    return count;
  }

  /** What may be known of each worker. */
  getWorkerInfoList(): WorkerInfo[] {
    return [...this.#workers.values()].map(snapshot);
  }

  /** Notes that a worker was heard of. */
  recordHeartbeat(worker: ConnectedWorker): void {
    worker.lastHeartbeat = new Date();
    this.#heardAtMs.set(worker.lastHeartbeat, this.#clock.now());
    settleStatus(worker, false);
  }

  /** From now on a worker takes nothing new. False when there is no such worker. */
  startDraining(workerId: string): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return false;
    worker.isDraining = true;
    this.#settle(worker);
    return true;
  }

  /**
   * Marks workers whose heartbeat is overdue as unhealthy, and returns the ids of those of whom
   * nothing was heard for three times as long.
   */
  checkHealth(heartbeatTimeoutMs: number): string[] {
    const dead: string[] = [];
    for (const worker of this.#workers.values()) {
      const silentMs = this.#silentMs(worker);
      if (silentMs <= heartbeatTimeoutMs) continue;
      if (worker.status !== WorkerStatus.Unhealthy) {
        settleStatus(worker, true);
        this.#logger.warn("The heartbeat of a worker is overdue", {
          workerId: worker.id,
          silentMs,
        });
      }
      if (silentMs > 3 * heartbeatTimeoutMs) dead.push(worker.id);
    }
    return dead;
  }

  /** Sends JSON to a worker. False when it could not be sent; the logger is told why. */
  send(workerId: string, message: Record<string, unknown>): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return false;
    let text: string;
    try {
      text = JSON.stringify(message);
    } catch (error) {
      this.#logger.error("A message cannot be written as JSON", {
        workerId,
        error: messageOf(error),
      });
      return false;
    }
    return this.deliver(worker, text);
  }

  /** Sends a binary frame to a worker. False when it could not be sent. */
  sendBinary(workerId: string, bytes: Uint8Array, written?: () => void): boolean {
    const worker = this.#workers.get(workerId);
    return worker !== undefined && this.deliver(worker, bytes, written);
  }

  /** Sends JSON to all workers. Throws what `JSON.stringify` throws. */
  broadcast(message: Record<string, unknown>): void {
    const text = JSON.stringify(message);
    for (const worker of this.#workers.values()) this.deliver(worker, text);
  }

  /** Sends a frame. A worker that does not read what it is sent is cut off. */
  deliver(worker: ConnectedWorker, frame: string | Uint8Array, written?: () => void): boolean {
    const delivery = deliver(worker.websocket, frame, this.#maxBufferedBytes, written);
    if (delivery === "too-big") {
      const limit = this.#maxBufferedBytes;
      this.#logger.error(`A message is larger than maxBufferedBytes (${limit}) and was not sent`, {
        workerId: worker.id,
      });
    }
    if (delivery === "too-slow") this.cutSlow(worker);
    return delivery === "sent";
  }

  /** Bytes that wait for a worker to read them. */
  getBufferedBytes(workerId: string): number {
    return this.#workers.get(workerId)?.websocket.bufferedAmount ?? 0;
  }

  /** Cuts a worker off that does not read: a close frame would wait behind what it has not read. */
  cutSlow(worker: ConnectedWorker): void {
    worker.cutReason = `More than ${this.#maxBufferedBytes} bytes waited to be read`;
    this.#logger.warn("A worker reads too slowly and was cut off", { workerId: worker.id });
    worker.websocket.terminate();
  }

  /** Closes all connections, and forgets their workers. */
  closeAll(): void {
    const { code, reason } = CLOSINGS.shutdown;
    for (const worker of this.#workers.values()) {
      worker.websocket.close(code, reason);
      this.remove(worker.id);
    }
  }

  #timeOut(request: TrackedRequest): void {
    this.releaseRequest(request.requestId);
    const { requestId, workerId } = request;
    this.#logger.warn("A request took too long", { requestId, workerId });
    this.#lost.tell(request, "timeout");
  }

  /** After a change other than a heartbeat: what is overdue stays so. */
  #settle(worker: ConnectedWorker): void {
    settleStatus(worker, worker.status === WorkerStatus.Unhealthy);
  }

  #silentMs(worker: ConnectedWorker): number {
    const heardAtMs = this.#heardAtMs.get(worker.lastHeartbeat);
    if (heardAtMs !== undefined) return this.#clock.now() - heardAtMs;
    // A worker that was added by hand says itself when it was heard of.
    return Date.now() - worker.lastHeartbeat.getTime();
  }
}

function addTo(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
