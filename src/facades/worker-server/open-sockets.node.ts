/** Every open WebSocket of a server, workers' and others': who is still there, and who reads. */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Clock } from "../../pool/clock.ts";
import { closeSocket, OPEN } from "./delivery.node.ts";
import type { Closing } from "./messages.ts";

interface Watched {
  readonly transport: Socket;
  bytesRead: number;
  heardAtMs: number;
}

export interface OpenSocketsOptions {
  /** Milliseconds without a single byte, in spite of pings, after which nobody is there. */
  readonly pingTimeoutMs: number;
  readonly maxBufferedBytes: number;
  readonly clock: Clock;
  /** Called with what must be cut, and why. */
  readonly cut: (websocket: WebSocket, reason: string) => void;
}

export class OpenSockets {
  readonly #sockets = new Map<WebSocket, Watched>();
  readonly #options: OpenSocketsOptions;
  #onEmpty: (() => void) | undefined;

  constructor(options: OpenSocketsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sockets.size;
  }

  add(websocket: WebSocket, transport: Socket): void {
    const heardAtMs = this.#options.clock.now();
    this.#sockets.set(websocket, { transport, bytesRead: transport.bytesRead, heardAtMs });
    websocket.once("close", () => {
      this.#sockets.delete(websocket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
  }

  /** Cuts who is gone and who does not read, and pings the others. */
  check(): void {
    const { clock, pingTimeoutMs, maxBufferedBytes, cut } = this.#options;
    const nowMs = clock.now();
    for (const [websocket, watched] of this.#sockets) {
      const { bytesRead } = watched.transport;
      if (bytesRead !== watched.bytesRead) {
        watched.bytesRead = bytesRead;
        watched.heardAtMs = nowMs;
      }
      if (nowMs - watched.heardAtMs > pingTimeoutMs) {
        cut(websocket, `Nothing was received for more than ${pingTimeoutMs} ms`);
      } else if (websocket.bufferedAmount > maxBufferedBytes) {
        cut(websocket, `More than ${maxBufferedBytes} bytes waited to be read`);
      } else if (websocket.readyState === OPEN) {
        websocket.ping();
      }
    }
  }

  /** Closes all that are open, and resolves when none is left. Who does not answer is cut off. */
  async closeAll(closing: Closing): Promise<void> {
    if (this.#sockets.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const websocket of this.#sockets.keys()) {
      closeSocket(websocket, closing, this.#options.clock);
    }
    await empty;
    this.#onEmpty = undefined;
  }
}
