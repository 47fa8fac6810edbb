import type {
  Environment,
  Platform,
  WorkerEnd,
  WorkerHandle,
  WorkerSpec,
} from "../../../src/environments/contract.ts";
import { ByteWriter } from "../../../src/protocol/bytes.ts";
import type {
  InstallResult,
  OpenSession,
  RegistryChange,
  SessionState,
  WorkerControl,
} from "../../../src/protocol/control.ts";
import type {
  MessageFromWorker,
  MessageToWorker,
  RunCost,
  RunFunctionMessage,
  RunSourceMessage,
  WorkerFailureCode,
} from "../../../src/protocol/messages.ts";
import type { Payload } from "../../../src/protocol/payload.ts";
import { createSignals, type Signals } from "../../../src/protocol/signals.ts";
import { OutboundTag } from "../../../src/protocol/values/outbound-format.ts";
import { readToWorker, writeFromWorker } from "../../../src/protocol/wire.ts";

export type RunMessage = RunFunctionMessage | RunSourceMessage;

/** How workers of an environment behave; each part may be replaced at any time. */
export interface Script {
  /** Called for each run a worker gets. Without it, runs wait until the test answers. */
  onRun?: (worker: ScriptedWorker, run: RunMessage) => void;
  onCancel?: (worker: ScriptedWorker, runId: number) => void;
  open?: (worker: ScriptedWorker) => Promise<void> | void;
  initialise?: (worker: ScriptedWorker) => Promise<void> | void;
  trim?: (worker: ScriptedWorker) => Promise<void> | void;
  install?: (
    worker: ScriptedWorker,
    change: RegistryChange,
  ) => Promise<InstallResult> | InstallResult;
  openSession?: (worker: ScriptedWorker, request: OpenSession) => Promise<void> | void;
  captureSession?: (
    worker: ScriptedWorker,
    sessionId: number,
    ifQuiet: boolean,
  ) => Promise<SessionState | undefined> | SessionState | undefined;
  closeSession?: (worker: ScriptedWorker, sessionId: number) => Promise<void> | void;
}

const COST: RunCost = {
  wallMs: 1,
  cpuMs: 0.01,
  gas: 1,
  peakMemoryBytes: 1024,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** A worker that does what the test says. */
export class ScriptedWorker {
  readonly runs: RunMessage[] = [];
  readonly cancelled: number[] = [];
  readonly changes: RegistryChange[] = [];
  /** How many batches arrived. */
  batches = 0;
  isTerminated = false;
  wasShutDown = false;
  isKeptAlive = true;
  /** What it tells about its memory. */
  usedBytes = 1_000;
  trims = 0;
  readonly handle: WorkerHandle;

  constructor(
    readonly workerId: number,
    readonly script: Script,
    readonly signals: Signals | undefined,
  ) {
    const control: WorkerControl = {
      initialise: async () => {
        await script.initialise?.(this);
        return { engineBuild: "scripted" };
      },
      install: async (change) => {
        this.changes.push(structuredClone(change));
        return (await script.install?.(this, change)) ?? { ok: true, revision: change.revision };
      },
      captureImages: () => Promise.reject(new Error("There are no images.")),
      openSession: async (request) => {
        await script.openSession?.(this, request);
      },
      captureSession: async (sessionId, ifQuiet) =>
        script.captureSession?.(this, sessionId, ifQuiet),
      closeSession: async (sessionId) => {
        await script.closeSession?.(this, sessionId);
      },
      trim: async () => {
        this.trims++;
        await script.trim?.(this);
      },
      statistics: async () => ({ memoryBytes: 1_000_000, usedBytes: this.usedBytes }),
      shutdown: async () => {
        this.wasShutDown = true;
      },
    };
    this.handle = {
      control,
      signals,
      post: (batch) => this.#receive(batch),
      onBatch: () => {},
      onEnd: () => {},
      answerNow: () => {
        throw new Error("A scripted worker calls nobody.");
      },
      terminate: async () => {
        this.isTerminated = true;
      },
      keepAlive: (alive) => {
        this.isKeptAlive = alive;
      },
    };
  }

  /** The latest run it got. */
  get lastRun(): RunMessage {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error(`Worker ${this.workerId} got no run.`);
    return run;
  }

  send(...messages: MessageFromWorker[]): void {
    const writer = new ByteWriter();
    for (const message of messages) writeFromWorker(writer, message);
    this.handle.onBatch(writer.takePayload());
  }

  sendRaw(...bytes: number[]): void {
    this.handle.onBatch({ bytes: Uint8Array.from(bytes), buffers: [] });
  }

  succeed(run: RunMessage | number, value: number | undefined, cost: Partial<RunCost> = {}): void {
    const runId = typeof run === "number" ? run : run.runId;
    const bytes = encodeOutbound(value);
    this.send({ type: "settled", runId, cost: { ...COST, ...cost }, value: bytes });
  }

  fail(run: RunMessage, code: WorkerFailureCode, message = code as string, isTrap = false): void {
    const { runId } = run;
    const thrown = new Uint8Array();
    this.send({ type: "failed", runId, cost: COST, code, message, isTrap, thrown });
  }

  throwError(run: RunMessage, name: string, message: string): void {
    const writer = new ByteWriter();
    for (const text of [name, message, ""]) writer.string(text);
    for (const byte of [OutboundTag.object, 0, 0]) writer.u8(byte);
    const thrown = writer.take();
    const { runId } = run;
    this.send({
      type: "failed",
      runId,
      cost: COST,
      code: "guest-error",
      message,
      isTrap: false,
      thrown,
    });
  }

  crash(end: WorkerEnd = { reason: "Worker exited with code 1.", exitCode: 1 }): void {
    if (!this.isTerminated) this.handle.onEnd(end);
  }

  #receive({ bytes, buffers }: Payload): void {
    if (this.isTerminated) return;
    this.batches++;
    for (const message of readToWorker({ bytes: bytes.slice(), buffers })) this.#onMessage(message);
  }

  #onMessage(message: MessageToWorker): void {
    if (message.type === "cancel") {
      this.cancelled.push(message.runId);
      this.script.onCancel?.(this, message.runId);
    } else if (message.type !== "host-reply") {
      this.runs.push(message);
      this.script.onRun?.(this, message);
    }
  }
}

/** An environment whose workers follow a script. */
export class ScriptedEnvironment implements Environment {
  readonly name = "scripted";
  readonly threaded: boolean = true;
  readonly stackBytes = { sync: 1, asyncify: 1 };
  readonly workers: ScriptedWorker[] = [];

  constructor(
    readonly script: Script = {},
    readonly withSignals = false,
  ) {}

  async open(spec: WorkerSpec): Promise<WorkerHandle> {
    const signals = this.withSignals ? createSignals(spec.slots) : undefined;
    const worker = new ScriptedWorker(spec.workerId, this.script, signals);
    this.workers.push(worker);
    await this.script.open?.(worker);
    return worker.handle;
  }

  worker(workerId: number): ScriptedWorker {
    const worker = this.workers.find((candidate) => candidate.workerId === workerId);
    if (worker === undefined) throw new Error(`There is no worker ${workerId}.`);
    return worker;
  }

  /** Runs that workers got and that no test has answered are the test's to count. */
  get runCount(): number {
    return this.workers.reduce((sum, worker) => sum + worker.runs.length, 0);
  }
}

/** A platform without an engine. */
export function scriptedPlatform(environment: Environment): Platform {
  return {
    environments: { scripted: environment },
    fileStorage: {},
    automatic: () => ({ environment }),
    loadEngine: () => Promise.resolve({}),
    cores: 3,
  };
}

/** Undefined and small whole numbers are all these tests need. */
function encodeOutbound(value: number | undefined): Payload {
  const writer = new ByteWriter();
  if (value === undefined) writer.u8(OutboundTag.undefined);
  else {
    writer.u8(OutboundTag.int32);
    writer.varint(value * 2);
  }
  return writer.takePayload();
}
