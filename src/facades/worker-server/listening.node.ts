/** The HTTP server below: from listening to the end of its last connection. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface ListeningOptions {
  readonly port: number;
  readonly host: string | undefined;
  readonly maxConnections: number;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly onError: (error: Error) => void;
}

export class Listening {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  private constructor(options: ListeningOptions) {
    this.#server = createServer(options.onRequest);
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("upgrade", options.onUpgrade);
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Resolves once it listens. Rejects with Node's own error, e.g. `EADDRINUSE`. */
  static async open(options: ListeningOptions): Promise<Listening> {
    const listening = new Listening(options);
    const server = listening.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port, options.host, () => {
        server.off("error", reject);
        server.on("error", options.onError);
        resolve();
      });
    });
    return listening;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nobody can connect. */
  stopAccepting(): void {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  /** Ends every connection there still is, of whatever kind. */
  async close(): Promise<void> {
    this.stopAccepting();
    for (const socket of this.#sockets) socket.destroy();
    await this.#closed;
  }
}
