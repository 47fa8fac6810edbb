/** One lent worker as its pool sees it: a lane of a connection to another machine. */
import { SkepError } from "../errors.ts";
import { MalformedBytesError } from "../protocol/bytes.ts";
import type { WorkerControl } from "../protocol/control.ts";
import {
  readInstallResult,
  readNothing,
  readReady,
  readSessionState,
  readStatistics,
} from "../protocol/remote-control.ts";
import {
  type ControlMethod,
  type FrameFromLender,
  type FrameToLender,
  frameToLender,
  readFromLender,
} from "../protocol/remote-frames.ts";
import { LengthReader, withLength } from "../protocol/lengths.ts";
import { Outbox } from "../protocol/outbox.ts";
import type { Payload } from "../protocol/payload.ts";
import { BatchOrder } from "./batch-order.ts";
import type { WorkerEnd, WorkerHandle, WorkerSpec } from "./contract.ts";
import { ReportedSignals } from "./reported-signals.ts";
import { endable } from "./worker-handle.ts";

/** The way to the other machine. */
export interface LaneLine {
  /** Where the worker runs, for messages. */
  readonly machine: string;
  /** The worker did not start, or was ended for what it has just sent. */
  onFault(): void;
  send(frame: FrameToLender): void;
}

/** A worker's own connection: a stream of Node. */
export interface DirectStream {
  write(bytes: Uint8Array, done?: () => void): unknown;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "close" | "error", listener: () => void): unknown;
  destroy(): unknown;
}

/** How much of a worker's bytes is held here. */
export interface LaneLimits {
  maxFrameBytes: number;
  maxMessageBytes: number;
}

interface PendingRequest {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** How long the owner of a worker waits for the word that it has ended. */
const CLOSE_GRACE_MS = 2_000;

export class RemoteLane {
  readonly #lane: number;
  readonly #line: LaneLine;
  readonly #requests = new Map<number, PendingRequest>();
  readonly #opening: Promise<WorkerHandle>;
  readonly #signals: ReportedSignals;
  /** Resolves once the machine has said that the worker is gone, or is gone itself. */
  readonly ended: Promise<void>;
  #lastRequestId = 0;
  #resolveOpening: (handle: WorkerHandle) => void = () => {};
  #rejectOpening: (error: Error) => void = () => {};
  #resolveEnded: () => void = () => {};
  #hasEnded = false;
  readonly #limits: LaneLimits;
  readonly #order: BatchOrder;
  #open: ReturnType<typeof endable> | undefined;
  #direct: DirectStream | undefined;
  #outbox: Outbox | undefined;
  #isDirect = false;
  #isDelivering = false;

  constructor(lane: number, line: LaneLine, limits: LaneLimits) {
    this.#lane = lane;
    this.#line = line;
    this.#limits = limits;
    this.#order = new BatchOrder(limits.maxFrameBytes, (batch) => this.#deliver(batch));
    this.#opening = new Promise((resolve, reject) => {
      this.#resolveOpening = resolve;
      this.#rejectOpening = reject;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#signals = new ReportedSignals({
      cancel: (slot, runId) => line.send({ type: "cancel", lane, slot, runId }),
      answer: (callId, reply) => line.send({ type: "answer", lane, callId, reply }),
      look: () => line.send({ type: "look", lane }),
      onSilent: (silentMs) => this.#lose(`${line.machine} did not answer for ${silentMs} ms.`),
    });
  }

  /** Asks the machine for a worker. Rejects when it has none to give. */
  open({ slots, network }: WorkerSpec, ticket: string): Promise<WorkerHandle> {
    const maxFrameBytes = this.#limits.maxMessageBytes;
    const lane = this.#lane;
    const nowMs = Date.now();
    this.#line.send({ type: "open", lane, slots, network, maxFrameBytes, nowMs, ticket });
    return this.#opening;
  }

  /** The worker has a connection of its own, over which batches go from now on. */
  attach(stream: DirectStream): void {
    const { maxFrameBytes } = this.#limits;
    this.#direct = stream;
    this.#outbox = new Outbox({
      maxMessageBytes: maxFrameBytes,
      maxWaitingBytes: maxFrameBytes,
      send: (message, written) => stream.write(withLength(message), () => written()),
    });
    const reader = new LengthReader(maxFrameBytes, (bytes) => {
      const frame = readFromLender(bytes);
      if (frame.type !== "batch" || frame.lane !== this.#lane) {
        throw new MalformedBytesError("Only batches go over a worker's own connection.");
      }
      this.receive(frame);
    });
    stream.on("data", (chunk) => {
      if (this.#hasEnded) return;
      try {
        reader.push(chunk);
      } catch (error) {
        if (!(error instanceof MalformedBytesError)) throw error;
        this.#lose(`${this.#line.machine} sent malformed bytes: ${error.message}`);
      }
    });
    // "close" follows.
    stream.on("error", () => {});
    stream.on("close", () => {
      this.#lose(`The connection to a worker of ${this.#line.machine} is gone.`);
    });
  }

  /** Takes a frame of this lane. Throws {@link MalformedBytesError} when it makes no sense. */
  receive(frame: FrameFromLender): void {
    if (frame.type === "batch") {
      if (frame.order === 0) this.#deliver(frame.batch);
      else this.#order.push(frame.order, frame.batch);
    } else if (frame.type === "activity") this.#signals.report(frame.activity);
    else if (frame.type === "opened") this.#begin(frame);
    else if (frame.type === "ended") this.#finish(frame);
    else if (frame.type === "reply") this.#request(frame.requestId).resolve(frame.value);
    else if (frame.type === "failure") {
      const error = new Error(frame.message);
      error.name = frame.name;
      this.#request(frame.requestId).reject(error);
    }
  }

  #deliver(batch: Payload): void {
    const { handle } = this.#opened();
    this.#isDelivering = true;
    handle.onBatch(batch);
    this.#isDelivering = false;
  }

  /** The machine will leave before long. */
  leave(reason: string): void {
    this.#open?.handle.onLeaving?.(reason);
  }

  /** The connection is gone, and with it the worker. */
  lose(reason: string): void {
    this.#lose(reason);
    this.#settleEnd();
  }

  #settleEnd(): void {
    this.#hasEnded = true;
    this.#direct?.destroy();
    this.#resolveEnded();
  }

  #begin({ hasSignals, isDirect }: Extract<FrameFromLender, { type: "opened" }>): void {
    if (this.#open !== undefined) throw new MalformedBytesError("A lane is opened once.");
    if (isDirect && this.#direct === undefined) {
      throw new MalformedBytesError("Its worker has no connection of its own.");
    }
    this.#isDirect = isDirect;
    this.#open = endable({
      control: this.#control(),
      signals: hasSignals ? this.#signals : undefined,
      post: (batch) => this.#post(batch),
      // The server that the machine is connected to holds this process.
      keepAlive: () => {},
      stop: () => this.#close(),
    });
    this.#resolveOpening(this.#open.handle);
  }

  #finish({ exitCode, reason, activity }: Extract<FrameFromLender, { type: "ended" }>): void {
    this.#signals.end(activity);
    this.#tell({ exitCode, reason: `On ${this.#line.machine}: ${reason}` });
    this.#settleEnd();
  }

  #post(batch: Payload): void {
    const frame = { type: "batch", lane: this.#lane, batch } as const;
    if (this.#isDirect) this.#outbox?.push(frameToLender(frame));
    else this.#line.send(frame);
  }

  #lose(reason: string): void {
    this.#signals.end(undefined);
    this.#tell({ reason });
  }

  #tell(end: WorkerEnd): void {
    if (this.#open !== undefined) this.#open.end(end);
    else {
      this.#line.onFault();
      const message = `The remote worker could not start: ${end.reason}`;
      this.#rejectOpening(new SkepError("unsupported-environment", message));
    }
  }

  #close(): Promise<void> {
    if (this.#isDelivering) this.#line.onFault();
    this.#signals.stop();
    this.#line.send({ type: "close", lane: this.#lane });
    let cancel: () => void = () => {};
    const grace = new Promise<void>((resolve) => {
      const timer: unknown = setTimeout(resolve, CLOSE_GRACE_MS);
      (timer as { unref?(): void }).unref?.();
      cancel = () => clearTimeout(timer as number);
    });
    return Promise.race([this.ended, grace]).finally(() => cancel());
  }

  #opened(): ReturnType<typeof endable> {
    if (this.#open === undefined) throw new MalformedBytesError("The worker is not open yet.");
    return this.#open;
  }

  #request(requestId: number): PendingRequest {
    const request = this.#requests.get(requestId);
    if (request === undefined) throw new MalformedBytesError("Nobody has asked for that.");
    this.#requests.delete(requestId);
    return request;
  }

  /** What the answer says is read by `read`, which throws where it makes no sense. */
  #ask<Answer>(
    method: ControlMethod,
    args: unknown[],
    read: (value: unknown) => Answer,
  ): Promise<Answer> {
    const requestId = ++this.#lastRequestId;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#requests.set(requestId, { resolve, reject });
    });
    this.#line.send({ type: "request", lane: this.#lane, requestId, method, args });
    return answer.then(read);
  }

  #control(): WorkerControl {
    const { machine } = this.#line;
    return {
      initialise: async (settings) => {
        // It compiles the engine itself; nothing of other workers is sent to it.
        const own = { ...settings, engineModule: undefined, start: undefined };
        return this.#ask("initialise", [own], (ready) => readReady(ready, settings.engine));
      },
      install: async (change) =>
        this.#ask("install", [change], (result) => readInstallResult(result, change.revision)),
      statistics: async () => this.#ask("statistics", [], readStatistics),
      trim: async () => this.#ask("trim", [], readNothing),
      openSession: async (request) => this.#ask("openSession", [request], readNothing),
      captureSession: async (sessionId, ifQuiet) =>
        this.#ask("captureSession", [sessionId, ifQuiet], readSessionState),
      closeSession: async (sessionId) => this.#ask("closeSession", [sessionId], readNothing),
      shutdown: async () => this.#ask("shutdown", [], readNothing),
      captureImages: () =>
        Promise.reject(
          new Error(
            `An image would be what ${machine} says it is, and every worker would run it. ` +
              "Take it in a pool whose workers are local.",
          ),
        ),
    };
  }
}
