/** One open worker: what is in flight on it, what it has installed, and the batches to and from it. */
import type { HostAnswer, WorkerHandle } from "../environments/contract.ts";
import { BatchSender } from "../protocol/batch-sender.ts";
import type { InstallResult, RegistryChange, WorkerStatistics } from "../protocol/control.ts";
import type { MessageFromWorker, MessageToWorker, RunCost } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import { readFromWorker, writeToWorker } from "../protocol/wire.ts";
import type { Clock } from "./clock.ts";
import { ControlRequests } from "./control-requests.ts";
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
  readonly requests: ControlRequests;
  /** Names the engine it runs; empty before it has told. */
  engineBuild = "";
  /** Sessions whose sandboxes are in this worker. */
  sessionCount = 0;
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
  readonly #sender = new BatchSender(writeToWorker, (batch) => this.#post(batch));
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
    this.requests = new ControlRequests({
      workerId,
      clock,
      isBusy: () => this.#backlog > 0,
      onRequest: () => this.keepProcess(true),
      onSettled: () => {
        this.lastProgressMs = clock.now();
        if (this.isIdle) this.keepProcess(false);
      },
    });
    this.openedAtMs = clock.now();
    this.lastProgressMs = this.openedAtMs;
    handle.onBatch = (batch) => this.#receive(batch);
    handle.answerNow = (runId, name, args) => listener.answerNow(this, runId, name, args);
    handle.keepAlive(true);
  }

  get inFlightCount(): number {
    return this.inFlight.size;
  }

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
    const result = await this.requests.make(
      "apply a change of the registry",
      () => this.handle.control.install(change),
      timeoutMs,
    );
    if (result.ok) this.revision = change.revision;
    return result;
  }

  /** Asks for {@link statistics}; failures leave the last known ones. One question at a time. */
  refreshStatistics(timeoutMs: number): Promise<void> {
    this.#refreshing ??= this.requests
      .inquire(async () => {
        this.statistics = await this.handle.control.statistics();
      }, timeoutMs)
      .finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Has the worker let go of what it keeps in stock. */
  trim(timeoutMs: number): Promise<void> {
    return this.requests.inquire(() => this.handle.control.trim(), timeoutMs);
  }

  /** Says whether the host process must stay for this worker. */
  keepProcess(keep: boolean): void {
    if (keep === this.#keepsProcess) return;
    this.#keepsProcess = keep;
    this.handle.keepAlive(keep);
  }

  /** Whether the host process could exit without losing anything here. */
  get isIdle(): boolean {
    return this.inFlight.size === 0 && this.requests.pendingCount === 0;
  }

  /** The worker is gone: nothing it sent counts any more, and no request will be answered. */
  end(reason: string): void {
    this.#isAlive = false;
    this.#sender.stop();
    this.requests.end(reason);
  }

  #send(message: MessageToWorker): void {
    this.keepProcess(true);
    this.#sender.send(message);
  }

  #post(batch: Payload): void {
    try {
      this.handle.post(batch);
    } catch (error) {
      this.listener.onBroken(this, "could not be sent a batch", error);
    }
  }

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
