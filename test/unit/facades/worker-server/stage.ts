/** A server on a free port, and clients that speak its protocol over real WebSockets. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import type { WorkerServerLogger } from "../../../../src/facades/worker-server/logging.ts";
import type { WorkerServerOptions } from "../../../../src/facades/worker-server/options.node.ts";
import { WorkerServer } from "../../../../src/facades/worker-server/worker-server.node.ts";

export type Message = Record<string, unknown>;

export const MODEL = {
  modelId: "gpt-4",
  displayName: "GPT-4",
  maxContextTokens: 8_192,
  maxOutputTokens: 4_096,
  supportsStreaming: true,
};

export const CAPABILITIES = { models: [MODEL], maxConcurrentRequests: 2 };

export async function serve(options: Partial<WorkerServerOptions> = {}): Promise<WorkerServer> {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1", ...options });
  onTestFinished(() => server.stop({ drainTimeoutMs: 0 }));
  await server.start();
  return server;
}

/** The arguments of a handler's next call. */
export function next<Values extends unknown[]>(
  subscribe: (handler: (...values: Values) => void) => () => void,
): Promise<Values> {
  return new Promise((resolve) => {
    const stop = subscribe((...values) => {
      stop();
      resolve(values);
    });
  });
}

export class Client {
  readonly websocket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: Message[] = [];
  #wake: () => void = () => {};

  private constructor(websocket: WebSocket) {
    this.websocket = websocket;
    websocket.on("message", (data: Buffer, isBinary) => {
      this.#messages.push(
        isBinary ? { binary: new Uint8Array(data) } : (JSON.parse(data.toString()) as Message),
      );
      this.#wake();
    });
    websocket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      websocket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async open(
    server: WorkerServer,
    path = "/",
    options: ClientOptions = {},
  ): Promise<Client> {
    const websocket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, options);
    onTestFinished(() => websocket.terminate());
    const client = new Client(websocket);
    await once(websocket, "open");
    return client;
  }

  /** A client that is a worker already. */
  static async worker(
    server: WorkerServer,
    workerId = "worker-1",
    fields: Message = {},
    options: ClientOptions = {},
  ): Promise<Client> {
    const client = await Client.open(server, "/", options);
    const ack = await client.register(workerId, fields);
    if (ack["success"] !== true) throw new Error(`Not registered: ${String(ack["error"])}`);
    return client;
  }

  send(message: unknown): void {
    this.websocket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  register(workerId = "worker-1", fields: Message = {}): Promise<Message> {
    this.send({
      type: "worker_registration",
      workerId,
      workerName: `Name of ${workerId}`,
      capabilities: CAPABILITIES,
      ...fields,
    });
    return this.receive("worker_registration_ack");
  }

  /** Sends a heartbeat of its own, and waits for what comes back. */
  heartbeat(workerId = "worker-1", timestamp = new Date().toISOString()): Promise<Message> {
    this.send({ type: "heartbeat", workerId, timestamp });
    return this.receive("heartbeat_ack");
  }

  /** The next message of a type, or the next at all; those before it are dropped. */
  async receive(type?: string): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (type === undefined || message["type"] === type) return message;
    }
  }

  /** How many messages have arrived that nobody has asked for. */
  get unread(): number {
    return this.#messages.length;
  }
}

/** A connection that has become a WebSocket and from there on does what the test does. */
export async function rawWebSocket(server: WorkerServer, path = "/"): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString().startsWith("HTTP/1.1 101")) throw new Error(head.toString());
  return socket;
}

/** The head of a client's frame: its first byte, and the length it claims. */
export function frameHead(firstByte: number, length: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = firstByte;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

export interface LogLine {
  level: string;
  message: string;
  context: Record<string, unknown> | undefined;
}

/** A logger that remembers. */
export function recordingLogger(): { logger: WorkerServerLogger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (message: string, context?: Record<string, unknown>): void =>
      void lines.push({ level, message, context });
  const logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  return { logger, lines };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => {
      throw new Error("It did not reject.");
    },
    (error: unknown) => error as Error,
  );
}
