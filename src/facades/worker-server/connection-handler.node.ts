/** WebSockets of workers: registration, heartbeats, and whose message goes to which handler. */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type Clock, systemClock } from "../../pool/clock.ts";
import { InvalidMessage } from "./capabilities.ts";
import { type Connection, openConnection } from "./connection.node.ts";
import { closeSocket } from "./delivery.node.ts";
import { Listeners, messageOf, safeLogger, type WorkerServerLogger } from "./logging.ts";
import {
  checkSender,
  CLOSINGS,
  type Closing,
  type DrainAck,
  type HeartbeatAck,
  parseMessage,
  readHeartbeat,
  readRegistration,
  type Registration,
  type RegistrationAck,
} from "./messages.ts";
import type { TrackedRequest } from "./requests.ts";
import { isToken } from "./token.node.ts";
import { type ConnectedWorker, snapshot, type WorkerInfo, WorkerStatus } from "./worker.node.ts";
import type { WorkerPool } from "./worker-pool.node.ts";

/** What a {@link ConnectionHandler} holds peers to. */
export interface ConnectionHandlerConfig {
  /** What workers must present. Without it every peer may register. */
  authToken?: string | undefined;
  /** Milliseconds without a heartbeat after which a worker is unhealthy; three times: gone. */
  heartbeatTimeoutMs: number;
  /** Milliseconds between heartbeats, as workers are told. */
  heartbeatIntervalMs: number;
  /** Milliseconds a connection may stay without registering. Default 10,000. */
  registrationTimeoutMs?: number | undefined;
  /** The largest text frame, and all that may be sent before registration. Default 1 MiB. */
  maxMessageBytes?: number | undefined;
  /** The largest binary frame. Default 16 MiB. */
  maxBinaryBytes?: number | undefined;
  /** Text and control frames a second. Default 10,000. */
  maxMessagesPerSecond?: number | undefined;
  /** Binary frames a second. Default 100,000. */
  maxBinaryFramesPerSecond?: number | undefined;
  /** What tells the time, for tests. */
  clock?: Clock | undefined;
}

type HandlerSettings = {
  [Key in Exclude<keyof ConnectionHandlerConfig, "authToken">]-?: NonNullable<
    ConnectionHandlerConfig[Key]
  >;
};

/** Told of a worker that has registered. */
export type WorkerConnectedHandler = (worker: WorkerInfo) => unknown;

/** How a worker's connection ended. */
export interface WorkerDeparture {
  /** The close code; 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
  /** What it had, oldest first, with what is needed to give it to other workers. */
  readonly requests: readonly TrackedRequest[];
}

/** Told of a worker that has left, with the ids of the requests it had. */
export type WorkerDisconnectedHandler = (
  worker: WorkerInfo,
  pendingRequestIds: ReadonlySet<string>,
  departure: WorkerDeparture,
) => unknown;

/** Told of a message of a registered worker. Its contents are the worker's word: check them. */
export type WorkerMessageHandler<Message = Record<string, unknown>> = (
  worker: WorkerInfo,
  message: Message,
) => unknown;

/**
 * Told of a binary frame of a registered worker. The bytes are a view of the receive buffer: copy
 * what is kept for long.
 */
export type WorkerBinaryHandler = (worker: WorkerInfo, bytes: Uint8Array) => unknown;

/** Invalid messages a second that a peer is forgiven. */
const FORGIVEN_PER_SECOND = 10;

/** Serves the WebSockets of workers. Nothing of one that has not registered reaches a handler. */
export class ConnectionHandler {
  readonly #pool: WorkerPool;
  readonly #config: HandlerSettings;
  readonly #authToken: string | undefined;
  readonly #logger: WorkerServerLogger;
  readonly #connections = new Map<WebSocket, Connection>();
  readonly #messageHandlers = new Map<string, Listeners<Parameters<WorkerMessageHandler>>>();
  readonly #connected: Listeners<Parameters<WorkerConnectedHandler>>;
  readonly #disconnected: Listeners<Parameters<WorkerDisconnectedHandler>>;
  readonly #draining: Listeners<Parameters<WorkerConnectedHandler>>;
  readonly #binary: Listeners<Parameters<WorkerBinaryHandler>>;
  #unregisteredCount = 0;

  constructor(pool: WorkerPool, config: ConnectionHandlerConfig, logger?: WorkerServerLogger) {
    this.#pool = pool;
    this.#authToken = config.authToken;
    this.#config = {
      heartbeatTimeoutMs: config.heartbeatTimeoutMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      registrationTimeoutMs: config.registrationTimeoutMs ?? 10_000,
      maxMessageBytes: config.maxMessageBytes ?? 2 ** 20,
      maxBinaryBytes: config.maxBinaryBytes ?? 16 * 2 ** 20,
      maxMessagesPerSecond: config.maxMessagesPerSecond ?? 10_000,
      maxBinaryFramesPerSecond: config.maxBinaryFramesPerSecond ?? 100_000,
      clock: config.clock ?? systemClock,
    };
    this.#logger = safeLogger(logger);
    this.#connected = new Listeners("onWorkerConnected", this.#logger);
    this.#disconnected = new Listeners("onWorkerDisconnected", this.#logger);
    this.#draining = new Listeners("onWorkerDraining", this.#logger);
    this.#binary = new Listeners("onWorkerBinary", this.#logger);
  }

  /** Connections that have not registered yet. */
  get unregisteredCount(): number {
    return this.#unregisteredCount;
  }

  /** Calls a handler for each message of this type. Returns how to stop that. */
  onMessage<Message = Record<string, unknown>>(
    type: string,
    handler: WorkerMessageHandler<Message>,
  ): () => void {
    let handlers = this.#messageHandlers.get(type);
    if (handlers === undefined) {
      handlers = new Listeners(`messages of type "${type}"`, this.#logger);
      this.#messageHandlers.set(type, handlers);
    }
    return handlers.add(handler as WorkerMessageHandler);
  }

  /** Calls a handler for each binary frame. Without one, they are refused. */
  onWorkerBinary(handler: WorkerBinaryHandler): () => void {
    return this.#binary.add(handler);
  }

  onWorkerConnected(handler: WorkerConnectedHandler): () => void {
    return this.#connected.add(handler);
  }

  onWorkerDisconnected(handler: WorkerDisconnectedHandler): () => void {
    return this.#disconnected.add(handler);
  }

  /** Calls a handler for each worker that says it drains. */
  onWorkerDraining(handler: WorkerConnectedHandler): () => void {
    return this.#draining.add(handler);
  }

  /**
   * Serves a WebSocket. With its `transport`, the stream below it, also half of a frame counts
   * against what may be sent before registration.
   */
  handleConnection(websocket: WebSocket, transport?: Duplex): void {
    const connection = openConnection(websocket, transport, {
      ...this.#config,
      faultsPerSecond: FORGIVEN_PER_SECOND,
      onSilence: () => this.#end(connection, CLOSINGS.silence),
      onExcess: () => {
        this.#logger.warn("A connection sent too much before it registered and was cut off");
        websocket.terminate();
      },
    });
    this.#connections.set(websocket, connection);
    this.#unregisteredCount++;
    websocket.on("message", (data, isBinary) => {
      this.#receive(connection, data as Buffer, isBinary);
    });
    for (const control of ["ping", "pong"] as const) {
      websocket.on(control, () => this.#receiveControl(connection));
    }
    websocket.on("error", (error) => {
      const workerId = connection.worker?.id;
      this.#logger.warn("A connection failed", { workerId, error: error.message });
    });
    websocket.on("close", (code, reason) => {
      this.#leave(connection, { code, reason: reason.toString() });
    });
  }

  /** Cuts a connection off without a close frame, which its peer would not read. */
  cut(websocket: WebSocket, reason: string): void {
    const worker = this.#connections.get(websocket)?.worker;
    if (worker !== undefined) worker.cutReason ??= reason;
    websocket.terminate();
  }

  /** Closes a worker's connection. Its requests are lost at once. */
  closeWorker(workerId: string, closing: Closing): void {
    const websocket = this.#pool.get(workerId)?.websocket;
    const connection = websocket === undefined ? undefined : this.#connections.get(websocket);
    if (connection !== undefined) this.#end(connection, closing);
  }

  /** Closes all connections, with the events that belong to it. */
  closeAll(closing: Closing = CLOSINGS.shutdown): void {
    for (const connection of this.#connections.values()) this.#end(connection, closing);
  }

  #receive(connection: Connection, data: Buffer, isBinary: boolean): void {
    if (connection.phase === "ended") return;
    if (isBinary) return this.#receiveBinary(connection, data);
    if (!connection.messages.take()) return this.#end(connection, CLOSINGS.flood);
    if (data.byteLength > this.#config.maxMessageBytes) {
      return this.#end(connection, CLOSINGS.tooBig);
    }
    try {
      this.#route(connection, parseMessage(data.toString()));
    } catch (error) {
      this.#forgive(connection, error);
    }
  }

  #receiveBinary(connection: Connection, bytes: Buffer): void {
    const { worker } = connection;
    if (worker === undefined) return this.#end(connection, CLOSINGS.notRegistered);
    if (this.#binary.count === 0) return this.#end(connection, CLOSINGS.unexpectedBinary);
    if (!connection.binaries.take()) return this.#end(connection, CLOSINGS.flood);
    if (bytes.byteLength > this.#config.maxBinaryBytes) {
      return this.#end(connection, CLOSINGS.tooBig);
    }
    this.#binary.tell(snapshot(worker), bytes);
  }

  #receiveControl(connection: Connection): void {
    if (connection.phase !== "ended" && !connection.messages.take()) {
      this.#end(connection, CLOSINGS.flood);
    }
  }

  #route(connection: Connection, message: Record<string, unknown> & { type: string }): void {
    const { worker } = connection;
    const { type } = message;
    if (type === "worker_registration") return this.#register(connection, message);
    if (worker === undefined) throw new InvalidMessage(`Register before sending anything else`);
    if (type === "heartbeat") return this.#heartbeat(worker, message);
    if (type === "worker_drain") return this.#drain(worker, message);
    const handlers = this.#messageHandlers.get(type);
    if (handlers !== undefined && handlers.count > 0) handlers.tell(snapshot(worker), message);
    else this.#logger.debug("Nobody handles a message", { workerId: worker.id });
  }

  /** An invalid message is no reason to lose a worker; many are. */
  #forgive(connection: Connection, error: unknown): void {
    const workerId = connection.worker?.id;
    this.#logger.warn("An invalid message was ignored", { workerId, error: messageOf(error) });
    if (connection.faults.take()) return;
    const isRegistered = connection.worker !== undefined;
    this.#end(connection, isRegistered ? CLOSINGS.faults : CLOSINGS.notRegistered);
  }

  #register(connection: Connection, message: Record<string, unknown>): void {
    if (connection.worker !== undefined) {
      throw new InvalidMessage("This connection has registered already");
    }
    // First of all: who has no token learns nothing, and nothing it sent is looked at.
    if (this.#authToken !== undefined && !isToken(message["authToken"], this.#authToken)) {
      this.#logger.warn("A registration was refused: its token is not the server's");
      return this.#refuse(connection, "Invalid authentication token", CLOSINGS.authentication);
    }
    let registration: Registration;
    try {
      registration = readRegistration(message);
    } catch (error) {
      this.#logger.warn("A registration was refused", { error: messageOf(error) });
      return this.#refuse(connection, messageOf(error), CLOSINGS.registration);
    }
    const previous = this.#pool.get(registration.workerId)?.websocket;
    const replaced = previous === undefined ? undefined : this.#connections.get(previous);
    if (replaced !== undefined) this.#end(replaced, CLOSINGS.replaced);
    // A handler that was told of the replaced worker may have closed everything.
    if (!this.#connections.has(connection.websocket)) return;
    this.#admit(connection, registration);
  }

  #refuse(connection: Connection, error: string, closing: Closing): void {
    const ack: RegistrationAck = { type: "worker_registration_ack", success: false, error };
    connection.websocket.send(JSON.stringify(ack));
    this.#end(connection, closing);
  }

  #admit(connection: Connection, { workerId, workerName, capabilities }: Registration): void {
    const now = new Date();
    const worker: ConnectedWorker = {
      id: workerId,
      name: workerName,
      websocket: connection.websocket,
      capabilities,
      status: WorkerStatus.Available,
      sessionId: randomUUID(),
      connectedAt: now,
      lastHeartbeat: now,
      activeRequests: 0,
      completedRequests: 0,
      pendingRequests: new Set(),
      categoryActiveRequests: new Map(),
    };
    this.#endWatch(connection);
    connection.phase = "registered";
    connection.worker = worker;
    this.#pool.add(worker);
    this.#pool.recordHeartbeat(worker);
    const ack: RegistrationAck = {
      type: "worker_registration_ack",
      success: true,
      sessionId: worker.sessionId,
      heartbeatIntervalMs: this.#config.heartbeatIntervalMs,
    };
    this.#pool.deliver(worker, JSON.stringify(ack));
    this.#logger.info("A worker registered", { workerId, workerName });
    this.#connected.tell(snapshot(worker));
  }

  #heartbeat(worker: ConnectedWorker, message: Record<string, unknown>): void {
    const timestamp = readHeartbeat(message, worker.id);
    this.#pool.recordHeartbeat(worker);
    const deadline = new Date(worker.lastHeartbeat.getTime() + this.#config.heartbeatTimeoutMs);
    const ack: HeartbeatAck = {
      type: "heartbeat_ack",
      timestamp,
      nextHeartbeatDeadline: deadline.toISOString(),
    };
    this.#pool.deliver(worker, JSON.stringify(ack));
  }

  #drain(worker: ConnectedWorker, message: Record<string, unknown>): void {
    checkSender(message, worker.id);
    const isNews = worker.isDraining !== true;
    this.#pool.startDraining(worker.id);
    const ack: DrainAck = { type: "worker_drain_ack", workerId: worker.id };
    this.#pool.deliver(worker, JSON.stringify(ack));
    if (!isNews) return;
    this.#logger.info("A worker drains", { workerId: worker.id });
    this.#draining.tell(snapshot(worker));
  }

  /** Closes a connection. What it still sends is ignored from here on. */
  #end(connection: Connection, closing: Closing): void {
    if (connection.phase === "ended") return;
    this.#leave(connection, closing);
    closeSocket(connection.websocket, closing, this.#config.clock);
  }

  #leave(connection: Connection, { code, reason }: Closing): void {
    const { worker, websocket } = connection;
    this.#connections.delete(websocket);
    if (connection.phase === "ended") return;
    this.#endWatch(connection);
    connection.phase = "ended";
    if (worker === undefined) {
      this.#logger.debug("A connection ended before it registered", { code });
      return;
    }
    const requests = this.#pool.get(worker.id) === worker ? this.#pool.requestsOf(worker.id) : [];
    const info = snapshot(worker);
    if (this.#pool.get(worker.id) === worker) this.#pool.remove(worker.id);
    const departure: WorkerDeparture = { code, reason: worker.cutReason ?? reason, requests };
    const context = { workerId: worker.id, code, reason: departure.reason, lost: requests.length };
    this.#logger.info("A worker left", context);
    this.#disconnected.tell(info, info.pendingRequestIds, departure);
    this.#pool.reportLost(requests);
  }

  #endWatch(connection: Connection): void {
    if (connection.phase === "unregistered") this.#unregisteredCount--;
    connection.stopWatching();
  }
}
