/** One open worker: what is in flight on it, what it has installed, and the batches to and from it. */
import type { HostAnswer, WorkerHandle } from "../environments/contract.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import type { InstallResult, RegistryChange, WorkerStatistics } from "../protocol/control.ts";
import type { MessageFromWorker, MessageToWorker, RunCost } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import { readFromWorker, writeToWorker } from "../protocol/wire.ts";
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { Run } from "./run.ts";
import { RunTable } from "./run-table.ts";

/** Who is told what a worker says. */
export interface LinkListener {
  onMessage(link: WorkerLink, message: MessageFromWorker): void;
  /** Answers a synchronous host call of a worker in this thread. */
  answerNow(link: WorkerLink, runId: number, name: string, args: Payload): HostAnswer;
  /** All messages of a batch were delivered. */
  onBatchDone(link: WorkerLink): void;
  /** The worker cannot be talked to any more: `what` went wrong. */
  onBroken(link: WorkerLink, what: string, error: unknown): void;
}

/** A control request got no reply in time. */
export class ControlTimeoutError extends Error {
  override name = "ControlTimeoutError";
}

/** The worker ended before it replied. */
export class WorkerGoneError extends Error {
  override name = "WorkerGoneError";
}

/** How many milliseconds of guest code may wait in a worker's mailbox. */
const WINDOW_MS = 1;
/**
 * The same where keys share the pool: what is in a mailbox cannot be overtaken, and no key's run
 * should wait for more than one of another there. Less would leave workers idle between batches.
 */
const SHARED_WINDOW_MS = 0.1;
const MAXIMUM_WINDOW = 64;
/** How much the latest run counts in the average: two slow runs in a row shrink the window. */
const AVERAGE_WEIGHT = 0.2;
/** A batch buffer that grew beyond this is not kept. */
const KEPT_WRITER_BYTES = 1 << 20;

/** The run a worker is executing, as last seen. */
export interface Observation {
  runId: number;
  /** Tells one entry into the engine from the next. */
  enteredAt: number;
  /** When the parent knows it to have been inside since. */
  sinceMs: number;
}

export class WorkerLink {
  readonly inFlight: RunTable;
  /** The registry revision the worker acknowledged last. */
  revision = 0;
  /** What the worker last told about itself. */
  statistics: WorkerStatistics | undefined;
  /** The last run said to have entered the engine; only where there is no signal block. */
  enteredRunId = 0;
  observation: Observation | undefined;
  /** When the worker was last known to make progress, for the watchdog. */
  lastProgressMs: number;
  readonly openedAtMs: number;
  /** Runs that ended in it. */
  finishedRuns = 0;
  /** Uses more than its share of a memory that is short: takes one run at a time. */
  isOverweight = false;
  /** Whether the watchdog has reported it as past its limits. */
  isSuspect = false;
  /**
   * The run whose synchronous host call it blocks for. The host function may wait for this pool: what
   * it asks for must not be sent here while others could do it.
   */
  blockedBy: Run | undefined;

  readonly #freeSlots: number[];
  readonly #maxBacklog: number;
  /** Those the worker was started with. */
  readonly #limits: Limits;
  readonly #pendingRequests = new Set<(error: Error) => void>();
  readonly #inquiries = new Set<() => void>();
  #writer = new ByteWriter();
  #flushDue = false;
  /** Sent, not settled and not parked. */
  #backlog = 0;
  #window = 2;
  #sharedWindow = 2;
  #averageCpuMs = WINDOW_MS;
  #isAlive = true;
  #refreshing: Promise<void> | undefined;
  #keepsProcess = true;

  constructor(
    readonly workerId: number,
    readonly handle: WorkerHandle,
    room: { maxInFlightPerWorker: number; maxParkedPerWorker: number; limits: Limits },
    readonly clock: Clock,
    readonly listener: LinkListener,
  ) {
    this.#limits = room.limits;
    this.#maxBacklog = room.maxInFlightPerWorker;
    const slots = room.maxInFlightPerWorker + room.maxParkedPerWorker;
    // Taken from the end: low numbers first.
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index);
    this.inFlight = new RunTable(slots);
    this.openedAtMs = clock.now();
    this.lastProgressMs = this.openedAtMs;
    handle.onBatch = (batch) => this.#receive(batch);
    handle.answerNow = (runId, name, args) => listener.answerNow(this, runId, name, args);
    handle.keepAlive(true);
  }

  get inFlightCount(): number {
    return this.inFlight.size;
  }

  get pendingRequestCount(): number {
    return this.#pendingRequests.size;
  }

  /** Names the engine it runs; empty before it has told. */
  engineBuild = "";
  /** Sessions whose sandboxes are in this worker. */
  sessionCount = 0;

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Sent runs that are not known to wait for something outside the engine. */
  get backlog(): number {
    return this.#backlog;
  }

  /**
   * Whether another run should be sent now. Runs that take long stay with the parent, where
   * priorities, abortions and other workers still reach them; trivial ones are sent ahead, so that
   * the worker never waits for the next; fewer where the pool is shared by several keys.
   */
  hasRoom(isShared: boolean): boolean {
    if (this.isOverweight && this.inFlight.size > 0) return false;
    if (this.blockedBy !== undefined) return false;
    const { length } = this.#freeSlots;
    const window = isShared ? this.#sharedWindow : this.#window;
    return this.#backlog < window && this.#backlog < this.#maxBacklog && length > 0;
  }

  /** Sends a run at the end of this turn. The caller has asked {@link hasRoom}. */
  start(run: Run): void {
    run.slot = this.#freeSlots.pop() ?? 0;
    run.workerId = this.workerId;
    run.attempts++;
    run.isParked = false;
    run.startedAtMs = undefined;
    if (this.#backlog === 0) this.lastProgressMs = this.clock.now();
    this.#backlog++;
    this.inFlight.add(run);
    const { id: runId, slot, target, functionId } = run;
    const session = run.session?.id ?? 0;
    const limits =
      run.limits === this.#limits && run.limits.totalMs === 0
        ? undefined
        : workerLimits(run, this.clock.now());
    if (target.type === "function") {
      this.#send({
        type: "run-function",
        runId,
        slot,
        limits,
        session,
        functionId,
        args: target.args,
      });
    } else {
      const { kind, filename, source, modules, imports, globals } = target;
      this.#send({
        type: "run-source",
        runId,
        slot,
        limits,
        session,
        kind,
        filename,
        source,
        modules,
        imports,
        globals,
      });
    }
  }

  /** Asks the worker to end a run. */
  cancel(run: Run): void {
    this.handle.signals?.cancel(run.slot, run.id);
    this.#send({ type: "cancel", runId: run.id });
  }

  /** Sends the answer to a host call; a blocked worker finds it in its mailbox. */
  answer(runId: number, callId: number, isSync: boolean, reply: HostAnswer): void {
    if (isSync) this.blockedBy = undefined;
    if (!this.#isAlive) return;
    if (isSync) this.handle.signals?.answer(callId, reply);
    else this.#send({ type: "host-reply", runId, callId, ...reply });
  }

  /** Forgets a run that ended, and learns from what it cost. */
  finish(run: Run, cost: RunCost): void {
    this.inFlight.delete(run.id);
    if (this.blockedBy === run) this.blockedBy = undefined;
    this.#freeSlots.push(run.slot);
    this.finishedRuns++;
    if (!run.isParked) this.#backlog--;
    if (this.enteredRunId === run.id) this.enteredRunId = 0;
    this.#averageCpuMs += AVERAGE_WEIGHT * (cost.cpuMs - this.#averageCpuMs);
    const runsPerMs = 1 / Math.max(this.#averageCpuMs, 0.001);
    this.#window = windowFor(WINDOW_MS * runsPerMs);
    this.#sharedWindow = windowFor(SHARED_WINDOW_MS * runsPerMs);
  }

  /** The run awaits something: it no longer stands in others' way. */
  park(run: Run, nowMs: number): void {
    run.startedAtMs ??= nowMs;
    if (this.enteredRunId === run.id) this.enteredRunId = 0;
    if (run.isParked) return;
    run.isParked = true;
    this.#backlog--;
  }

  /** The run is inside the engine from now on, as far as a message can tell. */
  enter(run: Run, nowMs: number): void {
    run.startedAtMs ??= nowMs;
    this.enteredRunId = run.id;
    this.observation = { runId: run.id, enteredAt: nowMs, sinceMs: nowMs };
    if (!run.isParked) return;
    run.isParked = false;
    this.#backlog++;
  }

  /** Applies a registry change; the revision counts once it resolves with `ok`. */
  async install(change: RegistryChange, timeoutMs: number): Promise<InstallResult> {
    const result = await this.request(
      "apply a change of the registry",
      () => this.handle.control.install(change),
      timeoutMs,
    );
    if (result.ok) this.revision = change.revision;
    return result;
  }

  /**
   * A control request. Rejects with {@link ControlTimeoutError} or {@link WorkerGoneError} when no
   * reply comes: on its own it would never settle once the worker is gone. With `isPatient` a worker
   * that computes is given as long as that takes: whether it hangs is for the watchdog to say.
   */
  request<Reply>(
    what: string,
    call: () => Promise<Reply>,
    timeoutMs: number,
    isPatient = false,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.#isAlive) {
        reject(new WorkerGoneError(`Worker ${this.workerId} is gone.`));
        return;
      }
      const finish = (): void => {
        this.#pendingRequests.delete(fail);
        this.lastProgressMs = this.clock.now();
        cancelTimeout();
        if (this.isIdle) this.keepProcess(false);
      };
      const fail = (error: Error): void => {
        finish();
        reject(error);
      };
      const onTimeout = (): void => {
        if (isPatient && this.#backlog > 0) {
          cancelTimeout = this.clock.schedule(timeoutMs, onTimeout);
          return;
        }
        const message = `Worker ${this.workerId} did not ${what} within ${timeoutMs} ms.`;
        fail(new ControlTimeoutError(message));
      };
      let cancelTimeout = this.clock.schedule(timeoutMs, onTimeout);
      this.#pendingRequests.add(fail);
      this.keepProcess(true);
      call().then((reply) => {
        finish();
        resolve(reply);
      }, fail);
    });
  }

  /** Asks for {@link statistics}; failures leave the last known ones. One question at a time. */
  refreshStatistics(timeoutMs: number): Promise<void> {
    this.#refreshing ??= this.#inquire(async () => {
      this.statistics = await this.handle.control.statistics();
    }, timeoutMs).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Has the worker let go of what it keeps in stock. */
  trim(timeoutMs: number): Promise<void> {
    return this.#inquire(() => this.handle.control.trim(), timeoutMs);
  }

  /**
   * A request beside the work: it neither keeps the process nor excuses a worker from making
   * progress, and nobody hears of its failure. Whatever ails the worker, others find out.
   */
  #inquire(call: () => Promise<void>, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#isAlive) {
        resolve();
        return;
      }
      const finish = (): void => {
        cancelTimeout();
        this.#inquiries.delete(finish);
        resolve();
      };
      const cancelTimeout = this.clock.schedule(timeoutMs, finish, { keepAlive: false });
      this.#inquiries.add(finish);
      call().then(finish, finish);
    });
  }

  /** Says whether the host process must stay for this worker. */
  keepProcess(keep: boolean): void {
    if (keep === this.#keepsProcess) return;
    this.#keepsProcess = keep;
    this.handle.keepAlive(keep);
  }

  /** Whether the host process could exit without losing anything here. */
  get isIdle(): boolean {
    return this.inFlight.size === 0 && this.#pendingRequests.size === 0;
  }

  /** The worker is gone: nothing it sent counts any more, and no request will be answered. */
  end(reason: string): void {
    this.#isAlive = false;
    for (const fail of this.#pendingRequests) fail(new WorkerGoneError(reason));
    for (const finish of this.#inquiries) finish();
  }

  #send(message: MessageToWorker): void {
    writeToWorker(this.#writer, message);
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.keepProcess(true);
    // Everything that is submitted in the same turn goes in the same batch.
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushDue = false;
    if (!this.#isAlive || this.#writer.length === 0) return;
    const batch = this.#writer.takePayload();
    if (this.#writer.bytes.length > KEPT_WRITER_BYTES) this.#writer = new ByteWriter();
    try {
      this.handle.post(batch);
    } catch (error) {
      this.listener.onBroken(this, "could not be sent a batch", error);
    }
  };

  #receive(batch: Payload): void {
    if (!this.#isAlive) return;
    this.lastProgressMs = this.clock.now();
    try {
      for (const message of readFromWorker(batch)) {
        this.listener.onMessage(this, message);
        // A listener may have ended the worker: the rest of its words is void.
        if (!this.#isAlive) return;
      }
    } catch (error) {
      this.listener.onBroken(this, "sent malformed bytes", error);
      return;
    }
    this.listener.onBatchDone(this);
  }
}

function windowFor(runs: number): number {
  // One more, so that there is a next run while a result is on its way.
  return Math.min(Math.ceil(runs), MAXIMUM_WINDOW) + 1;
}

/** The limits a worker holds a run to: it knows nothing of the time before. */
function workerLimits({ limits, submittedAtMs }: Run, now: number): Limits {
  if (limits.totalMs === 0) return limits;
  const leftMs = Math.max(1, Math.ceil(submittedAtMs + limits.totalMs - now));
  return { ...limits, endsAt: Date.now() + leftMs };
}
