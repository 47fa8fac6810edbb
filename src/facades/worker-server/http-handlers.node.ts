/** HTTP requests that are not for a WebSocket: handlers in order, until one has answered. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Listeners, messageOf, type WorkerServerLogger } from "./logging.ts";

/** Answers a request and returns true, or leaves it to the next handler and returns false. */
export type HttpRequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export class HttpHandlers {
  readonly #handlers = new Set<{ handle: HttpRequestHandler }>();
  readonly #logger: WorkerServerLogger;

  readonly #answered: Listeners<[]>;
  #activeCount = 0;

  constructor(logger: WorkerServerLogger) {
    this.#logger = logger;
    this.#answered = new Listeners("answered requests", logger);
  }

  /** Requests that have not been answered. */
  get activeCount(): number {
    return this.#activeCount;
  }

  /** Calls a listener after each request that was answered, or whose client has gone. */
  onAnswered(listener: () => void): () => void {
    return this.#answered.add(listener);
  }

  add(handle: HttpRequestHandler): () => void {
    const handler = { handle };
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  /** Answers a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#activeCount++;
    response.once("close", () => {
      this.#activeCount--;
      this.#answered.tell();
    });
    // Peers may break a connection at any time; without a listener that would end the process.
    response.on("error", (error) => this.#report("A response could not be sent", request, error));
    try {
      for (const { handle } of this.#handlers) {
        if (await handle(request, response)) return;
      }
      if (!response.headersSent) answerJson(response, 404, { error: "Not found" });
    } catch (error) {
      this.#report("An HTTP handler failed", request, error);
      // What it has begun cannot be taken back, and must not look whole.
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: "Internal server error" });
    }
  }

  #report(what: string, request: IncomingMessage, error: unknown): void {
    // Without the query, in which clients put secrets.
    const path = request.url?.split("?")[0];
    this.#logger.error(what, { method: request.method, path, error: messageOf(error) });
  }
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  // Headers a handler set before it failed belong to an answer that is not given.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
