/** What the documentation of worker-server shows, block by block, with `skep/worker-server`. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SkepError } from "skep";
import {
  type ConnectedWorker,
  ConnectionHandler,
  type ModelInfo,
  type WorkerCapabilities,
  type WorkerInfo,
  WorkerPool,
  WorkerServer,
  type WorkerServerLogger,
  type WorkerServerOptions,
  WorkerStatus,
} from "skep/worker-server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";

type Message = Record<string, unknown>;

const model: ModelInfo = {
  modelId: "sonnet-3.5",
  displayName: "Sonnet",
  maxContextTokens: 200_000,
  maxOutputTokens: 8_192,
  supportsStreaming: true,
  supportsVision: true,
  supportsTools: true,
};
const capabilities: WorkerCapabilities = { models: [model], maxConcurrentRequests: 10 };

/** A worker as anyone could write it: JSON over a WebSocket. */
class Worker {
  readonly messages: Message[] = [];
  readonly #websocket: WebSocket;
  #arrived: () => void = () => {};

  private constructor(websocket: WebSocket) {
    this.#websocket = websocket;
    websocket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message);
      this.#arrived();
    });
  }

  static async join(port: number, workerId = "worker-1", fields: Message = {}): Promise<Worker> {
    const websocket = new WebSocket(`ws://127.0.0.1:${port}`);
    onTestFinished(() => websocket.terminate());
    const worker = new Worker(websocket);
    await once(websocket, "open");
    worker.send({
      type: "worker_registration",
      workerId,
      workerName: "Worker One",
      capabilities,
      ...fields,
    });
    const ack = await worker.next();
    expect(ack).toMatchObject({ type: "worker_registration_ack", success: true });
    return worker;
  }

  send(message: Message): void {
    this.#websocket.send(JSON.stringify(message));
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  /** Resolves when all that was sent before has been handled. */
  async heard(workerId = "worker-1"): Promise<void> {
    this.send({ type: "heartbeat", workerId, timestamp: new Date().toISOString() });
    expect((await this.next())["type"]).toBe("heartbeat_ack");
  }

  leave(): void {
    this.#websocket.close();
  }
}

function create(options: Partial<WorkerServerOptions> = {}): WorkerServer {
  const server = new WorkerServer({ port: 0, ...options });
  onTestFinished(() => server.stop({ drainTimeoutMs: 0 }));
  return server;
}

/** Where the blocks write to the console. */
function recorder(): {
  lines: string[];
  log: (line: string) => void;
  until: (count: number) => Promise<void>;
} {
  const lines: string[] = [];
  let changed: () => void = () => {};
  return {
    lines,
    log(line) {
      lines.push(line);
      changed();
    },
    until: async (count) => {
      while (lines.length < count) await new Promise<void>((resolve) => (changed = resolve));
    },
  };
}

test("quick start", async () => {
  const { lines, log, until } = recorder();
  const server = create();
  server.onWorkerConnected((worker) => {
    log(`Worker ${worker.name} connected (${worker.id})`);
  });
  server.onWorkerDisconnected((worker, pending) => {
    log(`Worker ${worker.name} disconnected with ${pending.size} pending requests`);
  });
  server.onWorkerMessage("work_complete", (worker, message) => {
    log(`Worker ${worker.id} completed request ${String(message["requestId"])}`);
  });
  await server.start();
  const worker = await Worker.join(server.port);
  worker.send({ type: "work_complete", requestId: "req-1" });
  await until(2);
  worker.leave();
  await until(3);
  expect(lines).toEqual([
    "Worker Worker One connected (worker-1)",
    "Worker worker-1 completed request req-1",
    "Worker Worker One disconnected with 0 pending requests",
  ]);
});

describe("WorkerServer", () => {
  test("lifecycle management", async () => {
    const server = create({ authToken: "secret" });
    await server.start();
    await expect(server.start()).rejects.toThrow("WorkerServer is already running");
    await server.stop();
  });

  test("registration handlers, and how to remove them", async () => {
    const { lines, log, until } = recorder();
    const server = create();
    const unsubscribeConnected = server.onWorkerConnected((worker) => {
      log(`Worker connected: ${worker.name}`);
    });
    const unsubscribeDisconnected = server.onWorkerDisconnected((worker, pending) => {
      log(`Worker ${worker.id} disconnected with ${pending.size} pending requests`);
    });
    await server.start();
    const worker = await Worker.join(server.port);
    server.trackRequest("worker-1", "req-1");
    worker.leave();
    await until(2);
    unsubscribeConnected();
    unsubscribeDisconnected();
    await Worker.join(server.port);
    expect(lines).toEqual([
      "Worker connected: Worker One",
      "Worker worker-1 disconnected with 1 pending requests",
    ]);
  });

  test("message handling", async () => {
    const server = create();
    const workRequest = vi.fn();
    const statusUpdate = vi.fn();
    server.onWorkerMessage("work_request", workRequest);
    server.onWorkerMessage("status_update", statusUpdate);
    await server.start();
    const worker = await Worker.join(server.port);
    worker.send({ type: "work_request", text: "more" });
    await worker.heard();
    expect(workRequest).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ id: "worker-1" }),
      { type: "work_request", text: "more" },
    );
    expect(statusUpdate).not.toHaveBeenCalled();
  });

  test("sending messages", async () => {
    const server = create();
    await server.start();
    const worker = await Worker.join(server.port);
    const success = server.send("worker-1", { type: "stop", reason: "shutdown" });
    server.broadcast({ type: "maintenance_start" });
    expect(success).toBe(true);
    expect(server.send("worker-2", { type: "stop" })).toBe(false);
    expect(await worker.next()).toEqual({ type: "stop", reason: "shutdown" });
    expect(await worker.next()).toEqual({ type: "maintenance_start" });
  });

  test("pool queries", async () => {
    const server = create();
    await server.start();
    expect(server.getAvailableWorker("sonnet-3.5")).toBeNull();
    expect(server.getAnyAvailableWorker()).toBeNull();
    await Worker.join(server.port);
    const worker = server.getAvailableWorker("sonnet-3.5");
    const anyWorker = server.getAnyAvailableWorker();
    const workers: WorkerInfo[] = server.getWorkerInfo();
    expect([worker, anyWorker]).toEqual([workers[0], workers[0]]);
    expect([server.getWorkerCount(), server.getAvailableWorkerCount()]).toEqual([1, 1]);
  });

  test("request tracking", async () => {
    const server = create();
    await server.start();
    await Worker.join(server.port);
    server.trackRequest("worker-1", "req-123", "inference");
    expect(server.getWorkerInfo()[0]).toMatchObject({
      activeRequests: 1,
      completedRequests: 0,
      pendingRequestIds: new Set(["req-123"]),
      categoryActiveRequests: new Map([["inference", 1]]),
    });
    server.releaseRequest("req-123", { incrementCompleted: true });
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 0, completedRequests: 1 });
  });
});

describe("WorkerPool", () => {
  test("worker status", () => {
    expect(Object.values(WorkerStatus)).toEqual(["available", "busy", "draining", "unhealthy"]);
  });

  test("pool operations", async () => {
    const listener = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    onTestFinished(() => listener.close());
    await once(listener, "listening");
    const peer = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`);
    onTestFinished(() => peer.terminate());
    const received: string[] = [];
    peer.on("message", (data: Buffer) => received.push(data.toString()));
    const [websocket] = (await once(listener, "connection")) as [WebSocket];

    const pool = new WorkerPool();
    const connected: ConnectedWorker = {
      id: "worker-1",
      name: "Worker One",
      websocket,
      capabilities: { ...capabilities, maxConcurrentRequests: 1 },
      status: WorkerStatus.Available,
      sessionId: "session",
      connectedAt: new Date(),
      lastHeartbeat: new Date(),
      activeRequests: 0,
      completedRequests: 0,
      pendingRequests: new Set(),
      categoryActiveRequests: new Map(),
    };
    pool.add(connected);
    expect(pool.has("worker-1") && pool.get("worker-1") === connected).toBe(true);
    expect([...pool.values()]).toEqual([connected]);

    const worker = pool.getAvailableWorker("sonnet-3.5", "inference");
    const anyWorker = pool.getAnyAvailableWorker();
    expect([worker, anyWorker]).toEqual([connected, connected]);
    expect([pool.getCount(), pool.getAvailableCount()]).toEqual([1, 1]);
    expect(pool.getWorkerInfoList()[0]).not.toHaveProperty("websocket");

    pool.trackRequest("worker-1", "req-123");
    expect(connected.status).toBe(WorkerStatus.Busy);
    pool.releaseRequest("req-123");
    expect(connected.status).toBe(WorkerStatus.Available);

    expect(pool.checkHealth(60_000)).toEqual([]);
    connected.lastHeartbeat = new Date(Date.now() - 61_000);
    expect(pool.checkHealth(60_000)).toEqual([]);
    expect(connected.status).toBe(WorkerStatus.Unhealthy);
    connected.lastHeartbeat = new Date(Date.now() - 181_000);
    expect(pool.checkHealth(60_000)).toEqual(["worker-1"]);

    const closed = once(peer, "close");
    expect(pool.send("worker-1", { type: "ping" })).toBe(true);
    pool.broadcast({ type: "shutdown" });
    pool.closeAll();
    expect((await closed)[0]).toBe(1001);
    expect(received).toEqual(['{"type":"ping"}', '{"type":"shutdown"}']);
    expect([pool.getCount(), pool.remove("worker-1")]).toEqual([0, undefined]);
  });
});

test("ConnectionHandler: message routing and event handlers", async () => {
  const { lines, log, until } = recorder();
  const pool = new WorkerPool();
  const config = { authToken: "secret", heartbeatTimeoutMs: 60_000, heartbeatIntervalMs: 15_000 };
  const logger: WorkerServerLogger = { debug() {}, info() {}, warn() {}, error() {} };
  const handler = new ConnectionHandler(pool, config, logger);
  const unregister = handler.onMessage("custom_type", (worker, message) => {
    log(`Received from ${worker.id}: ${String(message["text"])}`);
  });
  handler.onWorkerConnected((worker) => log(`Worker connected: ${worker.id}`));
  handler.onWorkerDisconnected((_, pending) => {
    log(`Worker disconnected with pending: ${pending.size}`);
  });
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => listener.close());
  listener.on("connection", (websocket) => handler.handleConnection(websocket));
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const worker = await Worker.join(port, "worker-1", { authToken: "secret" });
  worker.send({ type: "custom_type", text: "hello" });
  await worker.heard();
  unregister();
  worker.send({ type: "custom_type", text: "nobody hears" });
  await worker.heard();
  worker.leave();
  await until(3);
  expect(lines).toEqual([
    "Worker connected: worker-1",
    "Received from worker-1: hello",
    "Worker disconnected with pending: 0",
  ]);
});

describe("types and options", () => {
  test("WorkerInfo has what is documented, and nothing else", async () => {
    const server = create();
    await server.start();
    await Worker.join(server.port);
    expect(Object.keys(server.getWorkerInfo()[0]!).sort()).toEqual([
      "activeRequests",
      "capabilities",
      "categoryActiveRequests",
      "completedRequests",
      "connectedAt",
      "id",
      "lastHeartbeat",
      "name",
      "pendingRequestIds",
      "sessionId",
      "status",
    ]);
  });

  test("what is refused is refused with the library's own error", () => {
    expect(() => create({ port: -1 })).toThrow(SkepError);
  });

  test("every documented option", async () => {
    const debug = vi.fn();
    const server = create({
      port: 0,
      authToken: "secret",
      heartbeatTimeoutMs: 60_000,
      healthCheckIntervalMs: 10_000,
      heartbeatIntervalMs: 5_000,
      logger: { debug, info: debug, warn: debug, error: debug },
    });
    await server.start();
    await Worker.join(server.port, "worker-1", { authToken: "secret" });
    expect(debug).toHaveBeenCalled();
  });
});

describe("advanced features", () => {
  test("HTTP endpoints", async () => {
    const server = create();
    server.addHttpHandler(async (req, res) => {
      if (req.url === "/health") {
        res.writeHead(200, { "Content-Type": "application/json" });
        res.end(JSON.stringify({ status: "ok" }));
        return true;
      }
      return false;
    });
    await server.start();
    const address = `http://127.0.0.1:${server.port}`;
    expect(await (await fetch(`${address}/health`)).json()).toEqual({ status: "ok" });
    const missing = await fetch(address);
    expect([missing.status, await missing.json()]).toEqual([404, { error: "Not found" }]);
  });

  test("custom WebSocket endpoints", async () => {
    const server = create();
    const received = new Promise<string>((resolve) => {
      server.addWebSocketEndpoint("/ws/admin", (ws) => {
        ws.on("message", (data: Buffer) => resolve(data.toString()));
      });
    });
    await server.start();
    const admin = new WebSocket(`ws://127.0.0.1:${server.port}/ws/admin`);
    onTestFinished(() => admin.terminate());
    await once(admin, "open");
    admin.send("hello");
    expect(await received).toBe("hello");
  });

  test("authentication", async () => {
    const server = create({ authToken: "your-secret-token" });
    await server.start();
    await Worker.join(server.port, "worker-1", { authToken: "your-secret-token" });
    expect(server.getWorkerCount()).toBe(1);
  });

  test("load balancing with category limits", async () => {
    const server = create();
    await server.start();
    const limited: WorkerCapabilities = {
      models: [{ ...model, modelId: "sonnet" }],
      maxConcurrentRequests: 10,
      concurrencyLimits: { inference: 5, embeddings: 2 },
    };
    await Worker.join(server.port, "worker-1", { capabilities: limited });
    server.trackRequest("worker-1", "req-1", "inference");
    server.releaseRequest("req-1");
    expect(server.getWorkerInfo()[0]!.categoryActiveRequests).toEqual(new Map());
    for (const id of ["a", "b"]) server.trackRequest("worker-1", id, "embeddings");
    expect(server.getAvailableWorker("sonnet", "embeddings")).toBeNull();
    expect(server.getAvailableWorker("sonnet", "inference")?.id).toBe("worker-1");
  });
});
