/** The machines that lend workers to the pools of one server, and what each has lent. */
import { SkepError, type SkepErrorCode } from "../errors.ts";
import { MalformedBytesError } from "../protocol/bytes.ts";
import { Outbox, OutboxFullError } from "../protocol/outbox.ts";
import { PartReader } from "../protocol/parts.ts";
import {
  type FrameToLender,
  frameToLender,
  readFromLender,
  REMOTE_VERSION,
} from "../protocol/remote-frames.ts";
import type { WorkerHandle, WorkerSpec } from "./contract.ts";
import { type DirectStream, RemoteLane } from "./remote-lane.ts";

/** A registered worker of the server, whether it lends anything or not. */
export interface ServerWorker {
  readonly id: string;
  readonly name: string;
  /** New with every registration. */
  readonly sessionId: string;
  readonly status: string;
  readonly capabilities: { readonly metadata?: Readonly<Record<string, unknown>> };
}

/** What is needed of a server: `WorkerServer` of `skep/worker-server` is one. */
export interface LendingServer {
  /** The largest binary frame it takes. */
  readonly maxBinaryBytes: number;
  listWorkers(): ServerWorker[];
  onWorkerConnected(handler: (worker: ServerWorker) => unknown): unknown;
  onWorkerDisconnected(
    handler: (worker: ServerWorker, ids: unknown, departure: { reason: string }) => unknown,
  ): unknown;
  onWorkerBinary(handler: (worker: ServerWorker, bytes: Uint8Array) => unknown): unknown;
  /** Calls `written` later, when the bytes are needed no longer. */
  sendBinary(workerId: string, bytes: Uint8Array, written?: () => void): boolean;
  /** Closes a worker's connection. */
  disconnect(workerId: string, reason: string): boolean;
  trackRequest(
    workerId: string,
    requestId: string,
    category: string | undefined,
    options: { timeoutMs: number },
  ): boolean;
  /** Hands over the connections of requests that ask for another protocol, and are accepted. */
  addStreamEndpoint(
    path: string,
    protocol: string,
    accept: (
      header: (name: string) => string | undefined,
    ) => ((stream: DirectStream) => void) | undefined,
  ): unknown;
  releaseRequest(requestId: string, options: { incrementCompleted: boolean }): boolean;
}

/** How much of a machine's bytes is held here. */
export interface LenderLimits {
  /** The largest frame, whatever number of messages it comes in. */
  maxFrameBytes: number;
}

interface Waiter {
  serve(lender: Lender): void;
}

/** A larger message would keep heartbeats and other lanes waiting. */
const MESSAGE_BYTES = 2 ** 20;
const MAXIMUM_LENT = 1024;
const START_TIMEOUT_MS = 10_000;
/** A machine is cut when so many of its workers were of no use. */
const MAXIMUM_FAULTS = 3;
/** Where workers connect by themselves. */
const LANE_PATH = "/skep/lane";
const LANE_PROTOCOL = "skep-lane";
const TICKET_HEADER = "skep-ticket";
const TICKET_BYTES = 16;
/** The longest reason that fits a close frame. */
const REASON_LENGTH = 100;

/** A connected machine. */
class Lender {
  readonly #server: LendingServer;
  readonly #info: ServerWorker;
  readonly #outbox: Outbox;
  readonly #parts: PartReader;
  readonly #lanes = new Map<number, RemoteLane>();
  readonly #tickets: Map<string, RemoteLane>;
  readonly #maxFrameBytes: number;
  #lastLane = 0;
  #isConnected = true;
  #isLeaving = false;
  /** Workers of it that did not start, or sent what made no sense. */
  faults = 0;

  constructor(
    server: LendingServer,
    info: ServerWorker,
    readonly workers: number,
    { maxFrameBytes }: LenderLimits,
    tickets: Map<string, RemoteLane>,
    readonly onFree: () => void,
  ) {
    this.#tickets = tickets;
    this.#maxFrameBytes = maxFrameBytes;
    this.#server = server;
    this.#info = info;
    this.#parts = new PartReader(maxFrameBytes);
    this.#outbox = new Outbox({
      maxMessageBytes: MESSAGE_BYTES,
      maxWaitingBytes: maxFrameBytes,
      send: (message, written) => {
        if (!server.sendBinary(info.id, message, written)) this.#cut("It could not be sent to");
      },
    });
  }

  get name(): string {
    return `"${this.#info.name}" (${this.#info.id})`;
  }

  /** The part of its workers that is lent; 1 when it gives none. */
  get load(): number {
    const isGiving = this.#isConnected && !this.#isLeaving && this.#isWilling();
    return isGiving ? this.#lanes.size / this.workers : 1;
  }

  /** The server knows more: that it drains, or has not been heard of. */
  #isWilling(): boolean {
    const { id, sessionId } = this.#info;
    const known = this.#server.listWorkers().find((worker) => worker.id === id);
    if (known?.sessionId !== sessionId) return false;
    return known.status === "available" || known.status === "busy";
  }

  open(spec: WorkerSpec): Promise<WorkerHandle> {
    const number = ++this.#lastLane;
    const maxMessageBytes = Math.min(MESSAGE_BYTES, this.#server.maxBinaryBytes);
    const lane = new RemoteLane(
      number,
      {
        machine: this.name,
        send: (frame) => this.#send(frame),
        onFault: () => {
          if (++this.faults >= MAXIMUM_FAULTS) this.#cut("Its workers are of no use");
        },
      },
      { maxFrameBytes: this.#maxFrameBytes, maxMessageBytes },
    );
    const ticket = randomTicket();
    this.#tickets.set(ticket, lane);
    this.#lanes.set(number, lane);
    // So that the server counts it, and waits for it when the machine is to be drained.
    const requestId = `skep-lane ${this.#info.sessionId} ${number}`;
    this.#server.trackRequest(this.#info.id, requestId, undefined, { timeoutMs: 0 });
    void lane.ended.then(() => {
      this.#lanes.delete(number);
      this.#tickets.delete(ticket);
      this.#server.releaseRequest(requestId, { incrementCompleted: false });
      this.onFree();
    });
    return lane.open(spec, ticket);
  }

  receive(bytes: Uint8Array): void {
    if (!this.#isConnected) return;
    try {
      const whole = this.#parts.push(bytes);
      if (whole === undefined) return;
      const frame = readFromLender(whole);
      if (frame.type === "leaving") this.#leave();
      else if (frame.lane > this.#lastLane) throw new MalformedBytesError("There is no such lane.");
      // One that is closed here may not know it yet.
      else this.#lanes.get(frame.lane)?.receive(frame);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      this.#cut(error.message);
    }
  }

  disconnected(reason: string): void {
    this.#isConnected = false;
    this.#outbox.clear();
    const text = reason === "" ? "." : `: ${reason}.`;
    for (const lane of this.#lanes.values()) {
      lane.lose(`The connection to ${this.name} is gone${text}`);
    }
  }

  #leave(): void {
    this.#isLeaving = true;
    for (const lane of this.#lanes.values()) lane.leave(`${this.name} drains.`);
  }

  #send(frame: FrameToLender): void {
    if (!this.#isConnected) return;
    try {
      this.#outbox.push(frameToLender(frame));
    } catch (error) {
      // What is too large by itself is its sender's to hear of.
      if (!(error instanceof OutboxFullError)) throw error;
      this.#cut("It does not read what it is sent");
    }
  }

  #cut(reason: string): void {
    this.#server.disconnect(this.#info.id, reason.slice(0, REASON_LENGTH));
  }
}

export class Lenders {
  /** By the session of their connection: whatever comes from an older one finds nobody. */
  readonly #lenders = new Map<string, Lender>();
  readonly #waiters = new Set<Waiter>();
  /** Of workers that may connect by themselves; each is good for once. */
  readonly #tickets = new Map<string, RemoteLane>();

  constructor(server: LendingServer, limits: LenderLimits) {
    const add = (worker: ServerWorker): void => {
      const workers = lentWorkers(worker);
      if (workers === 0) return;
      const lender = new Lender(server, worker, workers, limits, this.#tickets, () =>
        this.#serve(),
      );
      this.#lenders.set(worker.sessionId, lender);
      this.#serve();
    };
    for (const worker of server.listWorkers()) add(worker);
    server.onWorkerConnected(add);
    server.onWorkerDisconnected(({ sessionId }, _ids, { reason }) => {
      const lender = this.#lenders.get(sessionId);
      this.#lenders.delete(sessionId);
      lender?.disconnected(reason);
    });
    server.addStreamEndpoint(LANE_PATH, LANE_PROTOCOL, (header) => {
      const ticket = header(TICKET_HEADER) ?? "";
      const lane = this.#tickets.get(ticket);
      this.#tickets.delete(ticket);
      return lane && ((stream) => lane.attach(stream));
    });
    // What a worker sends that lends nothing belongs to other protocols.
    server.onWorkerBinary(({ sessionId }, bytes) => this.#lenders.get(sessionId)?.receive(bytes));
  }

  /**
   * Opens a worker on the machine with most to give. Waits for one that has any: `machineTimeoutMs`
   * where the pool is told that it waits, else as long as a start may take.
   */
  async open(spec: WorkerSpec, machineTimeoutMs: number): Promise<WorkerHandle> {
    const free = this.#free();
    if (free !== undefined) return free.open(spec);
    const { onWait, signal, startTimeoutMs = START_TIMEOUT_MS } = spec;
    const waitMs = onWait === undefined ? startTimeoutMs : machineTimeoutMs;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer as number | undefined);
        signal?.removeEventListener("abort", onAbort);
        this.#waiters.delete(waiter);
      };
      const fail = (code: SkepErrorCode, message: string): void => {
        stop();
        reject(new SkepError(code, message));
      };
      const onAbort = (): void => fail("closed", "The pool was closed before a machine came.");
      const waiter: Waiter = {
        serve(lender) {
          stop();
          onWait?.(undefined);
          lender.open(spec).then(resolve, reject);
        },
      };
      const timer: unknown =
        waitMs === 0
          ? undefined
          : setTimeout(() => {
              const message = `The remote worker could not start within ${waitMs} ms`;
              fail("unsupported-environment", `${message}: ${this.#whyNone()}`);
            }, waitMs);
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener("abort", onAbort);
      this.#waiters.add(waiter);
      onWait?.(this.#whyNone());
    });
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const lender = this.#free();
      if (lender === undefined) return;
      waiter.serve(lender);
    }
  }

  #free(): Lender | undefined {
    let best: Lender | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const lender of this.#lenders.values()) {
      const { load, faults } = lender;
      // Whatever a machine says of itself, those that have kept their word come first.
      if (load >= 1 || load + faults >= least) continue;
      best = lender;
      least = load + faults;
    }
    return best;
  }

  #whyNone(): string {
    const count = this.#lenders.size;
    return count === 0
      ? "no machine has joined the server. Start one with joinServer() of skep/remote-worker."
      : `all that the ${count} machines lend is taken. Let more join, or lend more workers.`;
  }
}

/** How many workers a registered worker of the server lends; 0 when it is another kind of worker. */
function lentWorkers({ capabilities }: ServerWorker): number {
  const lent = capabilities.metadata?.["skep"];
  if (typeof lent !== "object" || lent === null) return 0;
  const { version, workers } = lent as Record<string, unknown>;
  if (version !== REMOTE_VERSION || !Number.isInteger(workers)) return 0;
  return Math.max(0, Math.min(workers as number, MAXIMUM_LENT));
}

function randomTicket(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TICKET_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
