/** Requests that workers have: where each is, and since when. */
import type { Clock } from "../../pool/clock.ts";

/** A request that a worker has, with what is needed to give it to another one. */
export interface TrackedRequest {
  readonly requestId: string;
  readonly workerId: string;
  readonly model?: string;
  readonly category?: string;
  /** What was sent, if the server sent it: see `dispatch()`. */
  readonly message?: Readonly<Record<string, unknown>>;
  readonly startedAt: Date;
}

/** Why a request's worker will not answer: it is gone, or it took too long. */
export type RequestLoss = "disconnected" | "timeout";

interface Entry {
  readonly request: TrackedRequest;
  readonly cancelTimeout: () => void;
}

export class RequestTable {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #onTimeout: (request: TrackedRequest) => void;

  constructor(clock: Clock, onTimeout: (request: TrackedRequest) => void) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  get(requestId: string): TrackedRequest | undefined {
    return this.#entries.get(requestId)?.request;
  }

  /** Adds a request; with a `timeoutMs` other than 0 it may only stay so long. */
  add(request: TrackedRequest, timeoutMs: number): void {
    const cancelTimeout =
      timeoutMs === 0
        ? () => {}
        : this.#clock.schedule(timeoutMs, () => this.#onTimeout(request), { keepAlive: false });
    this.#entries.set(request.requestId, { request, cancelTimeout });
  }

  /** Takes a request out. */
  take(requestId: string): TrackedRequest | undefined {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) return undefined;
    entry.cancelTimeout();
    this.#entries.delete(requestId);
    return entry.request;
  }
}
