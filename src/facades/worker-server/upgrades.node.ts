/** HTTP requests that become WebSockets: of workers, or of endpoints with a path of their own. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { SkepError } from "../../errors.ts";
import type { Clock } from "../../pool/clock.ts";
import type { ConnectionHandler } from "./connection-handler.node.ts";
import { closeSocket } from "./delivery.node.ts";
import { messageOf, type WorkerServerLogger } from "./logging.ts";
import { CLOSINGS } from "./messages.ts";
import type { OpenSockets } from "./open-sockets.node.ts";
import { isToken } from "./token.node.ts";

/** Serves a WebSocket of an endpoint. It may attach listeners and send at once. */
export type WebSocketConnectionHandler = (
  websocket: WebSocket,
  request: IncomingMessage,
) => unknown;

/** Options of a WebSocket endpoint. */
export interface WebSocketEndpointOptions {
  /** The largest message. Default: the server's `maxMessageBytes`. */
  maxPayloadBytes?: number | undefined;
  /**
   * Whether clients need the server's `authToken`, as `Authorization: Bearer <token>`. Others are
   * refused with 401. Default false.
   */
  requireToken?: boolean | undefined;
}

export interface Endpoint extends WebSocketEndpointOptions {
  readonly handler: WebSocketConnectionHandler;
}

/** Connections with another protocol than WebSocket, at a path of their own. */
export interface StreamEndpoint {
  /** What requests must ask for in `Upgrade`. */
  readonly protocol: string;
  /** What takes over the connection of a request, judged by its headers; undefined: it is refused. */
  readonly accept: (
    header: (name: string) => string | undefined,
  ) => ((stream: Duplex) => void) | undefined;
}

export interface UpgradeOptions {
  readonly authToken: string | undefined;
  readonly maxMessageBytes: number;
  readonly maxBinaryBytes: number;
  readonly maxUnregistered: number;
  readonly clock: Clock;
  readonly logger: WorkerServerLogger;
}

type WebSocketServerClass = typeof WebSocketServer;

/** Frames that one message may come in. */
const MAXIMUM_FRAGMENTS = 1_024;

/** Loads the package that speaks the protocol. */
export async function loadWebSocketServer(): Promise<WebSocketServerClass> {
  try {
    return (await import("ws")).WebSocketServer;
  } catch (cause) {
    throw new SkepError(
      "unsupported-environment",
      "A WorkerServer speaks WebSocket with the package ws, which could not be loaded. " +
        "Run npm install ws.",
      { cause },
    );
  }
}

export class Upgrades {
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #streamEndpoints: ReadonlyMap<string, StreamEndpoint>;
  readonly #streams = new Set<Duplex>();
  readonly #workers: ConnectionHandler;
  readonly #sockets: OpenSockets;
  readonly #options: UpgradeOptions;
  readonly #Server: WebSocketServerClass;
  /** One for each limit: it is fixed when the server is made. */
  readonly #servers = new Map<number, WebSocketServer>();

  constructor(
    Server: WebSocketServerClass,
    workers: ConnectionHandler,
    sockets: OpenSockets,
    endpoints: ReadonlyMap<string, Endpoint>,
    streamEndpoints: ReadonlyMap<string, StreamEndpoint>,
    options: UpgradeOptions,
  ) {
    this.#streamEndpoints = streamEndpoints;
    this.#Server = Server;
    this.#workers = workers;
    this.#sockets = sockets;
    this.#endpoints = endpoints;
    this.#options = options;
  }

  /** Makes a WebSocket of a request, or refuses it. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = pathOf(request.url);
    if (path === undefined) return refuse(socket, 400);
    const streamEndpoint = this.#streamEndpoints.get(path);
    if (streamEndpoint !== undefined && streamEndpoint.protocol === request.headers.upgrade) {
      return this.#acceptStream(streamEndpoint, request, socket, head);
    }
    const endpoint = this.#endpoints.get(path);
    if (endpoint !== undefined) return this.#acceptClient(endpoint, request, socket, head);
    if (this.#workers.unregisteredCount >= this.#options.maxUnregistered) {
      this.#options.logger.warn("A connection was refused: too many have not registered");
      return refuse(socket, 503);
    }
    const { maxMessageBytes, maxBinaryBytes } = this.#options;
    this.#upgrade(Math.max(maxMessageBytes, maxBinaryBytes), request, socket, head, (websocket) =>
      this.#workers.handleConnection(websocket, socket),
    );
  }

  /** Ends the connections that have another protocol. */
  closeStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #acceptStream(
    { protocol, accept }: StreamEndpoint,
    { headers }: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    const take = accept((name) => {
      const value = headers[name];
      return typeof value === "string" ? value : undefined;
    });
    if (take === undefined) return refuse(socket, 401);
    this.#streams.add(socket);
    socket.once("close", () => this.#streams.delete(socket));
    (socket as Socket).setNoDelay(true);
    (socket as Socket).setTimeout(0);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    take(socket);
  }

  #acceptClient(endpoint: Endpoint, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { authToken, maxMessageBytes, clock, logger } = this.#options;
    if (endpoint.requireToken === true && !isBearer(request, authToken)) return refuse(socket, 401);
    const limit = endpoint.maxPayloadBytes ?? maxMessageBytes;
    this.#upgrade(limit, request, socket, head, (websocket) => {
      websocket.on("error", (error) => {
        logger.warn("A connection of an endpoint failed", { error: error.message });
      });
      const fail = (error: unknown): void => {
        logger.error("A WebSocket endpoint failed", { error: messageOf(error) });
        closeSocket(websocket, CLOSINGS.brokenEndpoint, clock);
      };
      try {
        const result = endpoint.handler(websocket, request);
        if (result instanceof Promise) result.catch(fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  #upgrade(
    maxPayload: number,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    serve: (websocket: WebSocket) => void,
  ): void {
    this.#server(maxPayload).handleUpgrade(request, socket, head, (websocket) => {
      this.#sockets.add(websocket, socket as Socket);
      serve(websocket);
    });
  }

  #server(maxPayload: number): WebSocketServer {
    let server = this.#servers.get(maxPayload);
    if (server === undefined) {
      server = new this.#Server({
        noServer: true,
        clientTracking: false,
        // A few bytes could become gigabytes.
        perMessageDeflate: false,
        maxPayload,
        maxFragments: MAXIMUM_FRAGMENTS,
      });
      this.#servers.set(maxPayload, server);
    }
    return server;
  }
}

/** Answers a request for a WebSocket with a status, and ends its connection. */
export function refuse(socket: Duplex, status: 400 | 401 | 503): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  const challenge = status === 401 ? "WWW-Authenticate: Bearer\r\n" : "";
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${challenge}`;
  socket.end(`${head}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** The path without its query, with `.` and `..` resolved. */
function pathOf(url: string | undefined): string | undefined {
  try {
    // Not as a base: "//x" would be a host.
    return url?.startsWith("/")
      ? new URL(`http://host${url}`).pathname
      : new URL(url ?? "").pathname;
  } catch {
    return undefined;
  }
}

function isBearer(request: IncomingMessage, token: string | undefined): boolean {
  const presented = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  return token !== undefined && isToken(presented, token);
}
