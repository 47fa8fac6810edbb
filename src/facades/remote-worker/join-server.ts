/** A machine that lends its workers to a server: joins, reconnects, drains, leaves. */
import { SkepError } from "../../errors.ts";
import { restartDelayMs } from "../../pool/backoff.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import type { JoinSettings } from "./options.ts";
import type { LendingPlatform } from "./platform.ts";

/**
 * `connecting`: there is no connection, or it is not registered yet; `ready`: workers can be lent;
 * `draining`: nothing new is lent; `closed`: for good.
 */
export type JoinState = "connecting" | "ready" | "draining" | "closed";

/** What {@link JoinedServer.on} tells. */
export type JoinEvent =
  | { type: "state"; state: JoinState; previous: JoinState }
  /** A connection has ended, or an attempt has failed. Without `retryInMs` there is no other. */
  | { type: "disconnected"; code: number; reason: string; retryInMs: number | undefined }
  /** Workers were lent or came back. */
  | { type: "lent"; lent: number };

/** What a machine is doing for its server. */
export interface JoinStatus {
  state: JoinState;
  /** Workers that it lends at the same time. */
  workers: number;
  /** Of those, how many are lent. */
  lent: number;
  /** Of those, how many run guest code at this moment. */
  running: number;
  /** The newest revision of a registry that a lent worker has. */
  revision: number;
}

/** A machine that lends its workers to a server. Made by `joinServer`. */
export class JoinedServer {
  /** Identifies this machine at the server. */
  readonly id: string;
  /** Resolves when the server has accepted this machine for the first time; rejects if it will not. */
  readonly ready: Promise<void>;
  /** Resolves when it is closed for good: with the error that is the reason, if there is one. */
  readonly closed: Promise<SkepError | undefined>;
  readonly #platform: LendingPlatform;
  readonly #settings: JoinSettings;
  readonly #listeners = new Set<(event: JoinEvent) => void>();
  readonly #stopListening: () => void;
  #state: JoinState = "connecting";
  #connection: Connection | undefined;
  #attempt = 0;
  #cancelTimer: () => void = () => {};
  #draining: Promise<void> | undefined;
  /** Drains because the server wants it to. */
  #isAsked = false;
  #drained: () => void = () => {};
  #resolveReady: () => void = () => {};
  #rejectReady: (error: SkepError) => void = () => {};
  #resolveClosed: (error: SkepError | undefined) => void = () => {};

  /** Use `joinServer`. */
  constructor(platform: LendingPlatform, settings: JoinSettings) {
    this.#platform = platform;
    this.#settings = settings;
    this.id = settings.id;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Whoever awaits it is told; nobody has to.
    this.ready.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const stopGone = platform.onGone?.(() => this.#close("The page is gone", undefined));
    const stopAsked = settings.drainOnSigterm
      ? platform.onAskedToEnd?.(() => void this.drain())
      : undefined;
    this.#stopListening = () => {
      stopGone?.();
      stopAsked?.();
    };
    this.#connect();
  }

  get state(): JoinState {
    return this.#state;
  }

  status(): JoinStatus {
    const { lentCount = 0, runningCount = 0, revision = 0 } = this.#connection?.lender ?? {};
    const { workers } = this.#settings;
    return { state: this.#state, workers, lent: lentCount, running: runningCount, revision };
  }

  /**
   * Calls a listener for each event. Returns how to stop that. What it throws changes nothing here,
   * and is an uncaught error of this thread.
   */
  on(listener: (event: JoinEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Lends nothing new, waits until the server has given back what it has, at most
   * `drainTimeoutMs`, and closes.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Closes at once: the server loses the workers that are lent. */
  async close(): Promise<void> {
    const lender = this.#connection?.lender;
    this.#close("The worker leaves", undefined);
    await lender?.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #drain(): Promise<void> {
    if (this.#state === "closed") return;
    this.#isAsked = false;
    const connection = this.#connection;
    const { drainTimeoutMs, clock } = this.#settings;
    const isLending = connection?.isReady === true && connection.lender.lentCount > 0;
    this.#cancelTimer();
    this.#enter("draining");
    if (isLending) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        this.#cancelTimer = clock.schedule(drainTimeoutMs, resolve);
        connection.drain();
      });
      this.#cancelTimer();
    }
    await this.close();
  }

  /**
   * The server asks, because it stops or wants to be rid of this machine. Only the end of the
   * connection tells which: after a stop it is made again.
   */
  #drainAsAsked(): void {
    if (this.#state !== "ready") return;
    const { drainTimeoutMs, clock } = this.#settings;
    this.#isAsked = true;
    this.#enter("draining");
    this.#connection?.drain();
    this.#cancelTimer = clock.schedule(drainTimeoutMs, () => void this.close());
  }

  #connect(): void {
    this.#enter("connecting");
    const connection = new Connection(this.#platform, this.#settings, {
      onReady: () => {
        this.#attempt = 0;
        this.#enter("ready");
        this.#resolveReady();
      },
      onDrainAsked: () => this.#drainAsAsked(),
      onChange: () => {
        const { lentCount: lent } = connection.lender;
        this.#emit({ type: "lent", lent });
        if (lent === 0 && this.#state === "draining") this.#drained();
      },
      onEnd: (end) => this.#disconnected(end),
    });
    this.#connection = connection;
    void connection.start(this.#platform);
  }

  #disconnected({ code, reason, isFinal }: ConnectionEnd): void {
    if (this.#state === "closed") return;
    this.#connection = undefined;
    const isStopped = this.#isAsked && code === SERVER_STOPS_CODE;
    if (this.#state === "draining" && !isStopped) {
      this.#emit({ type: "disconnected", code, reason, retryInMs: undefined });
      if (this.#isAsked) this.#close(reason, undefined);
      this.#drained();
      return;
    }
    this.#isAsked = false;
    this.#cancelTimer();
    if (isFinal) {
      this.#emit({ type: "disconnected", code, reason, retryInMs: undefined });
      this.#close(reason, refusal(this.#settings, code, reason));
      return;
    }
    const { reconnect, clock } = this.#settings;
    const retryInMs = restartDelayMs(++this.#attempt, reconnect, Math.random);
    this.#enter("connecting");
    this.#emit({ type: "disconnected", code, reason, retryInMs });
    // A listener may have closed it.
    if (this.#state !== "connecting") return;
    this.#cancelTimer = clock.schedule(retryInMs, () => this.#connect());
  }

  #close(reason: string, error: SkepError | undefined): void {
    if (this.#state === "closed") return;
    this.#enter("closed");
    this.#cancelTimer();
    this.#stopListening();
    this.#connection?.close(reason);
    this.#connection = undefined;
    const message = "It was closed before the server accepted it.";
    this.#rejectReady(error ?? new SkepError("closed", `joinServer: ${message}`));
    this.#resolveClosed(error);
    this.#drained();
  }

  #enter(state: JoinState): void {
    const previous = this.#state;
    if (previous === state || previous === "closed") return;
    this.#state = state;
    this.#emit({ type: "state", state, previous });
  }

  #emit(event: JoinEvent): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(event);
      } catch (error) {
        // Not here, where a connection would never be made again.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function refusal({ shownUrl }: JoinSettings, code: number, reason: string): SkepError {
  const advice =
    code === 4001
      ? "Give joinServer() the token that the server was given as authToken."
      : code === 4003
        ? "Another machine has joined with the same id: give each its own."
        : "See what the server logs.";
  const message = `joinServer: ${shownUrl} refuses this machine: ${reason}. ${advice}`;
  return new SkepError(code === GONE ? "unsupported-environment" : "closed", message);
}

/** As the server closes when it stops. */
const SERVER_STOPS_CODE = 1001;
/** There was no connection at all. */
const GONE = 1006;
