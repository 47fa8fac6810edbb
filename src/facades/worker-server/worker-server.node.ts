/** `WorkerServer`: workers connect to it, and it gives them work. */
import { type Clock } from "../../pool/clock.ts";
import { invalid } from "../../pool/option-checks.ts";
import {
  ConnectionHandler,
  type WorkerBinaryHandler,
  type WorkerConnectedHandler,
  type WorkerDisconnectedHandler,
  type WorkerMessageHandler,
} from "./connection-handler.node.ts";
import { dispatch, type Dispatched, type DispatchRequest } from "./dispatch.node.ts";
import { HttpHandlers, type HttpRequestHandler } from "./http-handlers.node.ts";
import { Listening } from "./listening.node.ts";
import type { WorkerServerLogger } from "./logging.ts";
import { CLOSINGS, type Drain } from "./messages.ts";
import { OpenSockets } from "./open-sockets.node.ts";
import {
  checkTimeout,
  resolveOptions,
  type WorkerServerOptions,
  type WorkerServerSettings,
} from "./options.node.ts";
import type { RequestLoss, TrackedRequest } from "./requests.ts";
import type { WorkerNeeds } from "./selection.node.ts";
import { until } from "./until.ts";
import {
  type Endpoint,
  loadWebSocketServer,
  refuse,
  type StreamEndpoint,
  Upgrades,
  type WebSocketConnectionHandler,
  type WebSocketEndpointOptions,
} from "./upgrades.node.ts";
import { snapshot, type WorkerInfo } from "./worker.node.ts";
import { type TrackOptions, WorkerPool } from "./worker-pool.node.ts";

/** More does not fit a close frame. */
const MAXIMUM_REASON_BYTES = 123;

type ServerState = "stopped" | "starting" | "running" | "stopping";

/**
 * A server for workers that connect over WebSocket: it registers them, watches their health, routes
 * their messages, and counts what each of them is doing.
 */
export class WorkerServer {
  readonly #settings: WorkerServerSettings;
  readonly #logger: WorkerServerLogger;
  readonly #clock: Clock;
  readonly #pool: WorkerPool;
  readonly #connections: ConnectionHandler;
  readonly #sockets: OpenSockets;
  readonly #http: HttpHandlers;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #streamEndpoints = new Map<string, StreamEndpoint>();
  #upgrades: Upgrades | undefined;
  #state: ServerState = "stopped";
  #listening: Listening | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #cancelHealthCheck: () => void = () => {};

  constructor(options: WorkerServerOptions) {
    const settings = resolveOptions(options);
    this.#settings = settings;
    this.#logger = settings.logger;
    this.#clock = settings.clock;
    this.#pool = new WorkerPool(settings.logger, settings);
    this.#connections = new ConnectionHandler(this.#pool, settings, settings.logger);
    this.#sockets = new OpenSockets({
      ...settings,
      cut: (websocket, reason) => this.#connections.cut(websocket, reason),
    });
    this.#http = new HttpHandlers(settings.logger);
  }

  /** The port it listens on; while it does not, the one it was told to. */
  get port(): number {
    return this.#listening?.port ?? this.#settings.port;
  }

  /** Calls a handler for each worker that registers. Returns how to stop that. */
  onWorkerConnected(handler: WorkerConnectedHandler): () => void {
    return this.#connections.onWorkerConnected(handler);
  }

  /** Calls a handler for each worker that leaves, whatever the reason. */
  onWorkerDisconnected(handler: WorkerDisconnectedHandler): () => void {
    return this.#connections.onWorkerDisconnected(handler);
  }

  /** Calls a handler for each worker that says it drains. */
  onWorkerDraining(handler: WorkerConnectedHandler): () => void {
    return this.#connections.onWorkerDraining(handler);
  }

  /** Calls a handler for each message of this `type`, which registered workers send. */
  onWorkerMessage<Message = Record<string, unknown>>(
    type: string,
    handler: WorkerMessageHandler<Message>,
  ): () => void {
    return this.#connections.onMessage(type, handler);
  }

  /**
   * Calls a handler for each binary frame of a registered worker, of up to `maxBinaryBytes`. What
   * is in it is between the handler and the worker, so that protocols of bytes can share the
   * worker's connection; `sendBinary` is the other direction. Without a handler a worker that sends
   * one is disconnected.
   */
  onWorkerBinary(handler: WorkerBinaryHandler): () => void {
    return this.#connections.onWorkerBinary(handler);
  }

  /**
   * Calls a handler for each tracked request whose worker will not answer: it has left
   * (`disconnected`, after the handlers of {@link onWorkerDisconnected}) or took too long
   * (`timeout`). The worker's slot is free by then, and the request can be given to another:
   * `server.dispatch(request)`, if it was dispatched.
   */
  onRequestLost(handler: (request: TrackedRequest, loss: RequestLoss) => unknown): () => void {
    return this.#pool.onRequestLost(handler);
  }

  /** Sends a message as JSON. False when there is no such worker or it cannot be sent to. */
  send(workerId: string, message: Record<string, unknown>): boolean {
    return this.#pool.send(workerId, message);
  }

  /**
   * Sends a binary frame. False when there is no such worker or it cannot be sent to. `written` is
   * called when the frame has left this process, or will not any more.
   */
  sendBinary(workerId: string, bytes: Uint8Array, written?: () => void): boolean {
    return this.#pool.sendBinary(workerId, bytes, written);
  }

  /** The largest binary frame a worker may send. */
  get maxBinaryBytes(): number {
    return this.#settings.maxBinaryBytes;
  }

  /**
   * Closes a worker's connection, with a reason of at most 123 bytes. What it had is lost at once.
   * False when there is no such worker.
   */
  disconnect(workerId: string, reason: string): boolean {
    if (typeof reason !== "string" || Buffer.byteLength(reason) > MAXIMUM_REASON_BYTES) {
      throw invalid(
        `disconnect: the reason must be text of at most ${MAXIMUM_REASON_BYTES} bytes.`,
      );
    }
    if (this.#pool.get(workerId) === undefined) return false;
    this.#connections.closeWorker(workerId, { code: CLOSINGS.disconnected.code, reason });
    return true;
  }

  /** Bytes that wait for a worker to read them; beyond `maxBufferedBytes` it is cut off. */
  getBufferedBytes(workerId: string): number {
    return this.#pool.getBufferedBytes(workerId);
  }

  /** Sends a message as JSON to all workers. */
  broadcast(message: Record<string, unknown>): void {
    this.#pool.broadcast(message);
  }

  /** The least loaded worker that has this model, and room, also in this category. */
  getAvailableWorker(model: string, category?: string): WorkerInfo | null {
    const worker = this.#pool.getAvailableWorker(model, category);
    return worker === null ? null : snapshot(worker);
  }

  /** The least loaded worker that has room, whatever its models. */
  getAnyAvailableWorker(): WorkerInfo | null {
    const worker = this.#pool.getAnyAvailableWorker();
    return worker === null ? null : snapshot(worker);
  }

  /** How many workers are connected. */
  getWorkerCount(): number {
    return this.#pool.getCount();
  }

  /** How many workers take new requests. */
  getAvailableWorkerCount(): number {
    return this.#pool.getAvailableCount();
  }

  /** All workers, in the order in which they came. */
  getWorkerInfo(): WorkerInfo[] {
    return this.#pool.getWorkerInfoList();
  }

  /** The same as {@link getWorkerInfo}. */
  listWorkers(): WorkerInfo[] {
    return this.getWorkerInfo();
  }

  /** How many requests with such needs would be taken now, by all workers together. */
  availableSlots(needs?: WorkerNeeds): number {
    return this.#pool.availableSlots(needs);
  }

  /**
   * Chooses a worker, counts the request as its own, and sends it. Null when no worker has room.
   * Throws `invalid-argument` for a message that cannot be sent or whose `requestId` is in use.
   */
  dispatch(request: DispatchRequest): Dispatched | null {
    return dispatch(this.#pool, request, this.#settings.maxBufferedBytes);
  }

  /**
   * Counts a request as a worker's. Tracking it again changes nothing, or moves it to another
   * worker. False when there is no such worker.
   */
  trackRequest(
    workerId: string,
    requestId: string,
    category?: string,
    options?: TrackOptions,
  ): boolean {
    return this.#pool.trackRequest(workerId, requestId, category, options);
  }

  /** Counts a request as done. False when it is not tracked. */
  releaseRequest(requestId: string, options?: { incrementCompleted?: boolean }): boolean {
    return this.#pool.releaseRequest(requestId, options);
  }

  /**
   * Gives a worker nothing new, and asks it to finish what it has (`worker_drain`). Resolves with
   * true once it has, or with false when it left before or `timeoutMs` (default
   * `drainTimeoutMs`) have passed. It stays connected and draining until it leaves.
   */
  async drain(workerId: string, options: { timeoutMs?: number } = {}): Promise<boolean> {
    const timeoutMs = this.#drainTime(options.timeoutMs, "drain: timeoutMs");
    const worker = this.#pool.get(workerId);
    if (worker === undefined) return false;
    this.#askToDrain(workerId);
    const isGone = (): boolean => this.#pool.get(workerId) !== worker;
    const isDone = (): boolean => worker.pendingRequests.size === 0;
    const changes = [(listener: () => void) => this.#pool.onRequestReleased(listener)];
    await until(() => isDone() || isGone(), changes, timeoutMs, this.#clock);
    return isDone();
  }

  /** Adds a handler of HTTP requests; they are asked in order until one answers. Returns how to remove it. */
  addHttpHandler(handler: HttpRequestHandler): () => void {
    return this.#http.add(handler);
  }

  /**
   * Serves WebSockets at a path, whatever the query, other than as workers. Returns how to remove
   * it, which leaves those that are open.
   */
  addWebSocketEndpoint(
    path: string,
    handler: WebSocketConnectionHandler,
    options: WebSocketEndpointOptions = {},
  ): () => void {
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw invalid(`addWebSocketEndpoint: the path must start with a slash, not "${path}".`);
    }
    if (options.requireToken === true && this.#settings.authToken === undefined) {
      throw invalid("addWebSocketEndpoint: requireToken needs a server with an authToken.");
    }
    const endpoint: Endpoint = { ...options, handler };
    this.#endpoints.set(path, endpoint);
    return () => {
      if (this.#endpoints.get(path) === endpoint) this.#endpoints.delete(path);
    };
  }

  /**
   * Hands over the connections of requests for `path` that ask, in their header `Upgrade`, for
   * another `protocol` than WebSocket. `accept` judges a request by its headers (lower case) and
   * returns what takes the stream; undefined refuses it. Returns how to remove the endpoint.
   */
  addStreamEndpoint(path: string, protocol: string, accept: StreamEndpoint["accept"]): () => void {
    const endpoint: StreamEndpoint = { protocol, accept };
    this.#streamEndpoints.set(path, endpoint);
    return () => {
      if (this.#streamEndpoints.get(path) === endpoint) this.#streamEndpoints.delete(path);
    };
  }

  /**
   * Starts to listen. Rejects when it is running, or with Node's own error (`EADDRINUSE`), after
   * which it may be tried again; with `unsupported-environment` when the package `ws` is missing.
   */
  async start(): Promise<void> {
    if (this.#state === "stopping") await this.#stopping;
    if (this.#state !== "stopped") throw new Error("WorkerServer is already running");
    this.#state = "starting";
    this.#starting = this.#open();
    await this.#starting;
  }

  /**
   * Stops: takes no new connections, asks workers to drain, lets requests finish for up to
   * `drainTimeoutMs`, then closes every connection, with the events that belong to it. Always
   * resolves, at most 2 seconds later.
   */
  async stop(options: { drainTimeoutMs?: number } = {}): Promise<void> {
    const drainTimeoutMs = this.#drainTime(options.drainTimeoutMs, "stop: drainTimeoutMs");
    // Whether it could start is for the caller of start() to know.
    if (this.#state === "starting") await this.#starting?.catch(() => {});
    if (this.#state === "running") {
      this.#state = "stopping";
      this.#stopping = this.#close(drainTimeoutMs);
    }
    await this.#stopping;
  }

  /** Stops the server at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #open(): Promise<void> {
    const settings = this.#settings;
    try {
      const Server = await loadWebSocketServer();
      const upgrades = (this.#upgrades = new Upgrades(
        Server,
        this.#connections,
        this.#sockets,
        this.#endpoints,
        this.#streamEndpoints,
        settings,
      ));
      this.#listening = await Listening.open({
        ...settings,
        onRequest: (request, response) => void this.#http.answer(request, response),
        onUpgrade: (request, socket, head) => {
          if (this.#state === "running") upgrades.accept(request, socket, head);
          else refuse(socket, 503);
        },
        onError: (error) => this.#logger.error("The server failed", { error: error.message }),
      });
    } catch (error) {
      this.#state = "stopped";
      throw error;
    }
    this.#state = "running";
    this.#scheduleHealthCheck();
    this.#logger.info("The server listens", { port: this.port });
    if (settings.authToken === undefined && !isLoopback(settings.host)) {
      this.#logger.warn("Whoever can connect may register as a worker: there is no authToken");
    }
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#cancelHealthCheck();
    this.#listening?.stopAccepting();
    for (const { id } of this.#pool.values()) this.#askToDrain(id);
    const changes = [
      (listener: () => void) => this.#pool.onRequestReleased(listener),
      (listener: () => void) => this.#http.onAnswered(listener),
    ];
    const isDone = (): boolean => !this.#pool.isBusy && this.#http.activeCount === 0;
    await until(isDone, changes, drainTimeoutMs, this.#clock);
    this.#connections.closeAll();
    this.#upgrades?.closeStreams();
    await this.#sockets.closeAll(CLOSINGS.shutdown);
    await this.#listening?.close();
    this.#listening = undefined;
    this.#state = "stopped";
    this.#logger.info("The server has stopped");
  }

  #scheduleHealthCheck(): void {
    this.#cancelHealthCheck = this.#clock.schedule(this.#settings.healthCheckIntervalMs, () => {
      // Timers come first when this thread was busy: read what has arrived before judging.
      setImmediate(() => {
        if (this.#state !== "running") return;
        this.#checkHealth();
        this.#scheduleHealthCheck();
      });
    });
  }

  #checkHealth(): void {
    for (const workerId of this.#pool.checkHealth(this.#settings.heartbeatTimeoutMs)) {
      this.#connections.closeWorker(workerId, CLOSINGS.heartbeat);
    }
    this.#sockets.check();
  }

  #askToDrain(workerId: string): void {
    this.#pool.startDraining(workerId);
    const message: Drain = { type: "worker_drain", workerId };
    this.#pool.send(workerId, { ...message });
  }

  #drainTime(value: unknown, label: string): number {
    return checkTimeout(value, label, this.#settings.drainTimeoutMs);
  }
}

function isLoopback(host: string | undefined): boolean {
  return host === "localhost" || host === "::1" || host?.startsWith("127.") === true;
}
