/** One connection to the server, from the attempt to its end: registration, heartbeats, lanes. */
import { REMOTE_VERSION } from "../../protocol/remote-frames.ts";
import { Lender } from "./lender.ts";
import type { JoinSettings } from "./options.ts";
import type { LenderSocket, LendingPlatform } from "./platform.ts";

/** Who is told what becomes of a connection. */
export interface ConnectionListener {
  onReady(): void;
  /** The server asks to finish what there is and take nothing new. */
  onDrainAsked(): void;
  /** Workers were lent or came back. */
  onChange(): void;
  /** Called once, and nothing follows. */
  onEnd(end: ConnectionEnd): void;
}

export interface ConnectionEnd {
  code: number;
  reason: string;
  /** Trying again would lead to the same. */
  isFinal: boolean;
}

/** As the server closes; see its `messages.ts`. */
const FINAL_CODES = [4001, 4002];
const REPLACED = { code: 4003, reason: "Replaced by new connection" };
const NORMAL_CODE = 1000;
const GONE_CODE = 1006;
/** A page may close with no code of the protocol itself. */
const BROKEN_CODE = 4400;
const DEFAULT_HEARTBEAT_MS = 15_000;
const SILENT_HEARTBEATS = 3;
/** The longest reason that fits a close frame. */
const REASON_LENGTH = 100;

export class Connection {
  readonly lender: Lender;
  readonly #settings: JoinSettings;
  readonly #listener: ConnectionListener;
  #socket: LenderSocket | undefined;
  #isReady = false;
  #isEnded = false;
  #heardAtMs: number;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #cancelTimer: () => void = () => {};

  constructor(platform: LendingPlatform, settings: JoinSettings, listener: ConnectionListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#heardAtMs = settings.clock.now();
    const { workers, environment, permissions, maxFrameBytes } = settings;
    this.lender = new Lender({
      workers,
      environment,
      permissions,
      maxFrameBytes,
      directUrl: new URL("/skep/lane", settings.url).href.replace(/^ws/, "http"),
      loadEngine: (engine) => platform.loadEngine(engine),
      send: (message, written) => this.#socket?.sendBinary(message, written),
      onBroken: (reason) => this.#refuse(reason),
      onChange: () => listener.onChange(),
    });
  }

  /** Whether the server has accepted this machine. */
  get isReady(): boolean {
    return this.#isReady;
  }

  async start(platform: LendingPlatform): Promise<void> {
    const { url, shownUrl, connectTimeoutMs, clock } = this.#settings;
    this.#cancelTimer = clock.schedule(connectTimeoutMs, () => {
      this.cut(`There was no connection to ${shownUrl} within ${connectTimeoutMs} ms.`);
    });
    try {
      const socket = await platform.openSocket(url, {
        onOpen: () => this.#register(),
        onText: (text) => this.#heard(() => this.#receive(text)),
        onBinary: (bytes) => this.#heard(() => this.#receiveBinary(bytes)),
        onClose: (code, reason) => this.#end(code, reason),
      });
      this.#socket = socket;
      if (this.#isEnded) socket.cut();
    } catch (error) {
      const isFinal = (error as { code?: unknown }).code === "unsupported-environment";
      this.#end(GONE_CODE, error instanceof Error ? error.message : String(error), isFinal);
    }
  }

  /** Tells the server that nothing new is wanted. */
  drain(): void {
    this.#sendText({ type: "worker_drain", workerId: this.#settings.id });
    this.lender.leave();
  }

  /** Closes in order. What is lent is ended. */
  close(reason: string): void {
    this.#socket?.close(NORMAL_CODE, reason.slice(0, REASON_LENGTH));
    this.#end(NORMAL_CODE, reason);
  }

  /** Gives a connection up that does not answer. */
  cut(reason: string): void {
    this.#socket?.cut();
    this.#end(GONE_CODE, reason);
  }

  #register(): void {
    const { id, name, token, workers, capabilities } = this.#settings;
    const { models = [], maxConcurrentRequests = workers, metadata, ...limits } = capabilities;
    this.#sendText({
      type: "worker_registration",
      workerId: id,
      workerName: name,
      authToken: token,
      capabilities: {
        ...limits,
        models,
        maxConcurrentRequests,
        metadata: { ...metadata, skep: { version: REMOTE_VERSION, workers } },
      },
    });
  }

  #heard(take: () => void): void {
    if (this.#isEnded) return;
    this.#heardAtMs = this.#settings.clock.now();
    take();
  }

  #receive(text: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      this.#refuse("The server sent what is no JSON.");
      return;
    }
    const type = (message as Record<string, unknown> | null)?.["type"];
    if (type === "worker_registration_ack") this.#registered(message);
    else if (type === "worker_drain") this.#listener.onDrainAsked();
    // Acknowledgements say no more than that the server is there; other types belong to others.
  }

  #registered({ success, heartbeatIntervalMs }: Record<string, unknown>): void {
    // A refusal is followed by a close frame that says which.
    if (success !== true || this.#isReady) return;
    if (typeof heartbeatIntervalMs === "number" && heartbeatIntervalMs >= 1) {
      this.#heartbeatMs = Math.min(heartbeatIntervalMs, 2 ** 31 - 1);
    }
    this.#isReady = true;
    this.#cancelTimer();
    this.#scheduleHeartbeat();
    this.#listener.onReady();
  }

  #receiveBinary(bytes: Uint8Array): void {
    // Before that, nobody has said that this is the server.
    if (this.#isReady) this.lender.receive(bytes);
    else this.#refuse("The server sent frames before it accepted the registration.");
  }

  #scheduleHeartbeat(): void {
    const { clock } = this.#settings;
    this.#cancelTimer = clock.schedule(this.#heartbeatMs, () => {
      const timeoutMs = this.#settings.serverTimeoutMs ?? this.#heartbeatMs * SILENT_HEARTBEATS;
      const silentMs = clock.now() - this.#heardAtMs;
      if (silentMs > timeoutMs) {
        this.cut(`Nothing was heard of the server for ${Math.round(silentMs)} ms.`);
        return;
      }
      this.#heartbeat();
      this.#scheduleHeartbeat();
    });
  }

  #heartbeat(): void {
    const { id: workerId, workers } = this.#settings;
    const { lentCount: lent, runningCount: running, revision } = this.lender;
    const timestamp = new Date().toISOString();
    this.#sendText({ type: "heartbeat", workerId, timestamp });
    this.#sendText({ type: "skep_status", workerId, workers, lent, running, revision });
  }

  #sendText(message: Record<string, unknown>): void {
    if (!this.#isEnded) this.#socket?.sendText(JSON.stringify(message));
  }

  #refuse(reason: string): void {
    this.#socket?.close(BROKEN_CODE, reason.slice(0, REASON_LENGTH));
    this.#end(GONE_CODE, reason);
  }

  #end(code: number, reason: string, isFinal: boolean = isFinalEnd(code, reason)): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isReady = false;
    this.#cancelTimer();
    void this.lender.end();
    this.#listener.onEnd({ code, reason, isFinal });
  }
}

function isFinalEnd(code: number, reason: string): boolean {
  // Whoever has this id now would be replaced in turn.
  const isReplaced = code === REPLACED.code && reason === REPLACED.reason;
  return FINAL_CODES.includes(code) || isReplaced;
}
