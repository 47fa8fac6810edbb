/**
 * Executes runs: takes them in order, enters the engine, lets others run while one waits, and
 * settles each exactly once. The only place where guest code is entered after installation.
 */
import { ByteWriter } from "../protocol/bytes.ts";
import type { FileSetup } from "../protocol/file-calls.ts";
import type {
  HostReplyMessage,
  MessageFromWorker,
  MessageToWorker,
  RunLimits,
  WorkerFailureCode,
} from "../protocol/messages.ts";
import { type Payload, payloadBytes } from "../protocol/payload.ts";
import type { Signals } from "../protocol/signals.ts";
import { readToWorker, writeFromWorker } from "../protocol/wire.ts";
import { beginRun } from "./begin-run.ts";
import { catchUp } from "./catch-up.ts";
import type { Cell, Cells } from "./cells.ts";
import type { Address } from "./engine.ts";
import type { GuestRequests } from "./fetch/requests.ts";
import type { HostDoor } from "./host-door.ts";
import { type AnswerNow, cellHooks, settlePending, type VisitSurroundings } from "./host-visit.ts";
import type { Inventory } from "./inventory.ts";
import { Tag } from "./marshal/heap-layout.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { writeThrown } from "./marshal/thrown.ts";
import { failure, plainResult, uncaughtWarning } from "./reports.ts";
import { Run, type RunTarget, type Verdict } from "./run.ts";
import { verdictOnError, verdictOnThrown } from "./verdicts.ts";
import type { Completion, Sandbox } from "./sandbox.ts";
import type { SessionMemory, Sessions } from "./sessions.ts";
import { nextTask } from "./task.ts";

/** Runs executed in one go before the thread's event loop gets its turn: cancels and timers wait there. */
const TURN_MS = 4;
/** Results wait for others at most this long. */
const FLUSH_MS = 0.5;
/** How often and how long after each other a sandbox is tried for before runs fail for it. */
const MAKING_RETRIES = 10;
const MAKING_RETRY_MS = 100;
/** Failures after which a session is what the run made of it: it came to its end, or never began. */
const REFUSALS: ReadonlySet<WorkerFailureCode> = /*#__PURE__*/ new Set<WorkerFailureCode>([
  "not-marshallable",
  "unknown-function",
  "invalid-argument",
  "missing-dependency",
]);
/** A batch buffer that grew beyond this is not kept. */
const KEPT_WRITER_BYTES = 2 ** 20;

export interface ExecutorSettings {
  cells: Cells;
  door: HostDoor;
  signals: Signals | undefined;
  isolation: "call" | "worker";
  /** Of runs that name no others. */
  limits: RunLimits;
  /** The engine stack that images were made with. */
  stackBytes: number;
  /** Answers synchronous host calls where guest and host share a thread. */
  answerNow: AnswerNow | undefined;
  /** Makes what a sandbox's requests go through; absent where guests may fetch nothing. */
  openRequests: (() => GuestRequests) | undefined;
  /** About the files that guests share, where there are any. */
  files: FileSetup | undefined;
  inventory(this: void): Inventory;
  sessions: Sessions;
  post(batch: Payload): void;
  /** See `WorkerSurroundings`. */
  isRelayed?: boolean | undefined;
  /** See `WorkerSettings`. */
  clockAheadMs?: number | undefined;
}

export class Executor {
  readonly #settings: ExecutorSettings;
  readonly #waiting: Run[] = [];
  readonly #parked = new Map<number, { run: Run; cell: Cell }>();
  #out = new ByteWriter(4096);
  #value = new ByteWriter(256);
  #current: Run | undefined;
  #pumping = false;
  #making = 0;
  /** The platform lends no more memory: waiting runs wait for a cell in use. */
  #isCrowded = false;
  #failedMakings = 0;
  #stopped = false;
  /** Runs whose session is being given a sandbox again. */
  readonly #awaiting = new Set<Run>();
  /** Everybody's cell in `isolation: "worker"`. */
  #shared: Cell | undefined;

  readonly #surroundings: VisitSurroundings;

  constructor(settings: ExecutorSettings) {
    this.#settings = settings;
    const { door, signals, answerNow, openRequests, files, inventory, isRelayed } = settings;
    this.#surroundings = {
      door,
      signals,
      answerNow,
      openRequests,
      files,
      inventory,
      current: () => this.#current,
      send: (message) => this.#send(message),
      isRelayed: isRelayed === true,
      flush: () => this.#flush(),
      resume: (cell, act) => this.#resume(cell, act),
      hasEnded: (run) => this.#hasEnded(run),
    };
  }

  /** How many runs wait for something outside the engine. */
  get parkedCount(): number {
    return this.#parked.size;
  }

  /** Takes a batch of the data wire. Bytes that are none end the worker: the parent hears why. */
  onBatch(batch: Payload): void {
    for (const message of readToWorker(batch)) this.#onMessage(message);
    this.#pump();
  }

  /** The image changed: a shared cell starts anew with the next run that finds it empty. */
  imageChanged(): void {
    if (this.#shared?.runs.size === 0) this.#dropShared();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    for (const { run } of this.#parked.values()) clearTimeout(run.deadlineTimer);
    this.#parked.clear();
  }

  #onMessage(message: MessageToWorker): void {
    if (message.type === "cancel") {
      this.#cancel(message.runId);
      return;
    }
    if (message.type === "host-reply") {
      this.#answer(message);
      return;
    }
    const target: RunTarget =
      message.type === "run-function"
        ? { type: "function", functionId: message.functionId, args: message.args }
        : {
            type: "source",
            kind: message.kind,
            filename: message.filename,
            source: message.source,
            modules: message.modules,
            imports: message.imports,
            globals: message.globals,
          };
    const limits = this.#byOwnClock(message.limits) ?? this.#settings.limits;
    this.#waiting.push(new Run(message.runId, message.slot, limits, target, message.session));
  }

  #byOwnClock(limits: RunLimits | undefined): RunLimits | undefined {
    const { clockAheadMs = 0 } = this.#settings;
    if (limits === undefined || limits.endsAt === 0 || clockAheadMs === 0) return limits;
    return { ...limits, endsAt: limits.endsAt + clockAheadMs };
  }

  #cancel(runId: number): void {
    const verdict: Verdict = { code: "aborted", message: "The run was aborted." };
    const index = this.#waiting.findIndex((run) => run.id === runId);
    if (index >= 0) {
      const [run] = this.#waiting.splice(index, 1);
      if (run) this.#send(failure(run, verdict));
      return;
    }
    const parked = this.#parked.get(runId);
    if (parked) this.#fail(parked.run, parked.cell, verdict);
    for (const run of this.#awaiting) if (run.id === runId) run.verdict = verdict;
  }

  /** A host call was answered. Late answers, to runs or calls that are gone, find nobody. */
  #answer({ runId, callId, succeeded, payload }: HostReplyMessage): void {
    const parked = this.#parked.get(runId);
    // A session's guest may still wait for what an earlier run asked for.
    const cell = parked?.cell ?? this.#settings.sessions.cellAwaiting(callId);
    if (!cell?.hostCalls.delete(callId)) return;
    cell.pendingHostCalls--;
    parked?.run.countInput(payloadBytes(payload));
    if (parked && this.#hasEnded(parked.run)) return;
    this.#resume(cell, (sandbox) => settlePending(sandbox, callId, { succeeded, payload }));
  }

  /** Executes waiting runs until there are none, no cell is free, or the event loop is due. */
  #pump(): void {
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    const started = performance.now();
    let flushed = started;
    while (this.#waiting.length > 0) {
      const run = this.#waiting[0] as Run;
      if (run.sessionId === 0) {
        const cell = this.#cellFor(run);
        if (!cell) break;
        this.#waiting.shift();
        this.#start(run, cell);
      } else {
        this.#waiting.shift();
        this.#startInSession(run);
      }
      const now = performance.now();
      if (now - flushed > FLUSH_MS) {
        this.#flush();
        flushed = now;
      }
      if (now - started > TURN_MS && this.#waiting.length > 0) {
        nextTask(() => this.#pump());
        break;
      }
    }
    this.#flush();
    this.#pumping = false;
    // The results are on their way; the next run finds its cell clean.
    this.#settings.cells.clean();
  }

  #cellFor(run: Run): Cell | undefined {
    const { cells, isolation } = this.#settings;
    if (isolation === "worker") {
      if (!this.#shared)
        this.#make(this.#settings.limits.memoryBytes, (cell) => (this.#shared = cell));
      return this.#shared;
    }
    const { memoryBytes: heapBytes } = run.limits;
    const isFull = cells.isFull || this.#isCrowded;
    const cell = cells.take(heapBytes) ?? (isFull ? cells.takeOver(heapBytes) : undefined);
    if (!cell) this.#make(run.limits.memoryBytes, (made) => cells.keep(made));
    return cell;
  }

  /** Makes a cell in the background; one at a time, and as many as runs wait. */
  #make(memoryBytes: number, use: (cell: Cell) => void): void {
    if (this.#making > 0 || this.#isCrowded) return;
    this.#making++;
    this.#settings.cells.make(memoryBytes).then(
      (cell) => {
        this.#making--;
        if (this.#stopped) return;
        this.#failedMakings = 0;
        use(cell);
        this.#pump();
      },
      (error: unknown) => {
        this.#making--;
        this.#cannotMake(error);
      },
    );
  }

  /**
   * Browsers lend a page about a hundred memories, and take back unused ones when they like: runs
   * wait for a cell in use, or a while for memory, before they fail for it.
   */
  #cannotMake(error: unknown): void {
    const { cells } = this.#settings;
    cells.dropFree();
    if (cells.counts.parked > 0) {
      this.#isCrowded = true;
      return;
    }
    if (++this.#failedMakings <= MAKING_RETRIES) {
      setTimeout(() => this.#pump(), MAKING_RETRY_MS);
      return;
    }
    this.#failedMakings = 0;
    const reason = error instanceof Error ? error.message : String(error);
    const verdict: Verdict = {
      code: "worker-lost",
      message: `No sandbox could be made: ${reason}`,
    };
    for (const run of this.#waiting.splice(0)) this.#send(failure(run, verdict));
    this.#flush();
  }

  #startInSession(run: Run): void {
    const { sessions, cells } = this.#settings;
    const cell = sessions.cellOf(run.sessionId);
    if (!cell) {
      const message = "The worker does not have the session.";
      this.#send(failure(run, { code: "worker-lost", message }));
      return;
    }
    const cannotWake = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `No sandbox could be made for the session: ${reason}`;
      this.#send(failure(run, { code: "worker-lost", message }));
    };
    try {
      if (cells.wake(cell)) return this.#start(run, cell);
    } catch (error) {
      return cannotWake(error);
    }
    this.#awaiting.add(run);
    cell.reviving ??= cells.revive(cell).finally(() => (cell.reviving = undefined));
    cell.reviving
      .then(() => {
        // Aborted meanwhile: nothing of it has happened.
        if (run.verdict) this.#send(failure(run, run.verdict));
        else this.#waiting.unshift(run);
      }, cannotWake)
      .finally(() => {
        this.#awaiting.delete(run);
        this.#pump();
      });
  }

  #start(run: Run, cell: Cell): void {
    cell.runs.add(run);
    const { sandbox, session } = cell;
    sandbox.hooks = cell.hooks ??= cellHooks(cell, this.#surroundings);
    const now = performance.now();
    run.begin(now);
    try {
      if (session?.rollsBack === true) session.before = this.#settings.cells.stateOf(cell);
      const { stackBytes } = run.limits;
      // In a shared sandbox another run may have changed it.
      if (stackBytes !== this.#settings.stackBytes || this.#isKept(cell)) {
        this.#settings.cells.limitStack(cell, stackBytes);
      }
    } catch (error) {
      return this.#fail(run, cell, this.#brokenVerdict(cell, error));
    }
    // It has waited too long behind others.
    if (run.isOver(now)) return this.#fail(run, cell, run.timedOut());
    this.#enter(run, cell, () => {
      if (session) {
        catchUp(run, cell, session, this.#settings.cells, (thrown) =>
          this.#send(uncaughtWarning(run, sandbox, thrown)),
        );
      }
      if (run.verdict) return undefined;
      const completion = beginRun(run, cell, this.#isKept(cell), this.#settings.inventory);
      if (completion && completion.value !== 0) run.owned = completion.value;
      if (!completion || completion.threw) return completion;
      run.promise = completion.value;
      return sandbox.runJobs();
    });
  }

  /** Whether the cell's sandbox outlives its runs. */
  #isKept(cell: Cell): boolean {
    return cell === this.#shared || cell.session !== undefined;
  }

  /** Enters the engine for a run and sees what has become of it afterwards. */
  #enter(run: Run, cell: Cell, act: () => Completion | undefined): void {
    const { signals } = this.#settings;
    if (signals) signals.enter(run.id);
    else {
      this.#send({ type: "entered", runId: run.id });
      this.#flush();
    }
    this.#current = run;
    const before = performance.now();
    run.enteredAt = before;
    let thrown: Completion | undefined;
    let broken: unknown;
    try {
      const completion = act();
      if (completion?.threw) thrown = completion;
    } catch (error) {
      broken = error;
    }
    const after = performance.now();
    run.cpuMs += after - run.enteredAt;
    run.enteredAt = after;
    this.#current = undefined;
    signals?.leave();
    run.peakMemoryBytes = Math.max(run.peakMemoryBytes, this.#settings.cells.heapBytes(cell));
    if (broken !== undefined) this.#fail(run, cell, this.#brokenVerdict(cell, broken));
    else if (run.verdict) this.#fail(run, cell, run.verdict);
    else if (run.isOver(after)) this.#fail(run, cell, run.verdict ?? run.timedOut());
    else {
      try {
        if (thrown) this.#failThrown(run, cell, thrown.value);
        else this.#review(run, cell);
      } catch (error) {
        // What is read of a forged session's memory leads anywhere.
        if (!cell.runs.has(run)) throw error;
        this.#fail(run, cell, this.#brokenVerdict(cell, error));
      }
    }
    // In a shared cell one run's jobs may have settled another's promise.
    if (cell.runs.size > 0 && cell === this.#shared) this.#reviewOthers(cell, run);
  }

  /** Settles the run if its promise has settled, else parks it. */
  #review(run: Run, cell: Cell): void {
    const { sandbox } = cell;
    const promise = sandbox.promise(run.promise);
    if (promise === undefined) return this.#settle(run, cell, run.promise);
    if (promise.state === "rejected") return this.#failThrown(run, cell, promise.result);
    if (promise.state === "pending") return this.#park(run, cell);
    const { target } = run;
    if (target.type === "source" && target.kind === "script" && !run.isUnwrapped) {
      // Top-level await yields `{ value }`: the engine's own wrapper, not the guest's. A completion
      // value that is a promise is awaited as well, like a function's result.
      run.isUnwrapped = true;
      // A guest that made Object.prototype a thenable, or put a setter there, has taken its own value
      // away; and what it resolved with instead may be a number, which is nobody's address.
      const { heap } = sandbox;
      const isObject = heap.tag(promise.result) === Tag.object;
      const found = isObject ? heap.findData(heap.pointer(promise.result), "value") : 0;
      run.promise = found === 0 ? sandbox.instance.exports.QTS_GetUndefined() : found;
      return this.#review(run, cell);
    }
    return this.#settle(run, cell, promise.result);
  }

  #reviewOthers(cell: Cell, entered: Run): void {
    for (const run of cell.runs) {
      if (run === entered || !this.#parked.has(run.id)) continue;
      const promise = cell.sandbox.promise(run.promise);
      if (promise && promise.state !== "pending") this.#review(run, cell);
    }
  }

  #park(run: Run, cell: Cell): void {
    this.#parked.set(run.id, { run, cell });
    if (cell !== this.#shared) this.#settings.cells.idle(cell);
    if (run.deadline === Number.POSITIVE_INFINITY) {
      if (cell.timer === undefined && cell.pendingHostCalls === 0 && cell !== this.#shared) {
        this.#fail(run, cell, {
          code: "timeout",
          message: "The run waits for a promise that nothing in its sandbox can settle.",
        });
        return;
      }
    } else if (run.deadlineTimer === undefined) {
      const left = Math.max(0, run.deadline - performance.now());
      run.deadlineTimer = setTimeout(() => {
        if (!this.#parked.has(run.id)) return;
        this.#fail(run, cell, run.timedOut());
        this.#pump();
      }, left);
    }
    this.#send({ type: "parked", runId: run.id });
  }

  /** Ends a parked run whose verdict is known already. Returns whether it is. */
  #hasEnded(run: Run): boolean {
    const parked = this.#parked.get(run.id);
    if (parked === undefined || run.verdict === undefined) return false;
    this.#fail(run, parked.cell, run.verdict);
    this.#pump();
    return true;
  }

  /** Continues a parked cell: a timer is due, or the host answered. */
  #resume(cell: Cell, act: (sandbox: Sandbox) => Completion): void {
    // In a shared cell any waiting run may stand for the cell: it is only whose time is counted.
    const run = [...cell.runs].find((candidate) => this.#parked.has(candidate.id));
    if (!run) cell.session?.late.push(act);
    if (!run || this.#stopped) return;
    if (!this.#settings.cells.wake(cell)) return this.#revive(run, cell, act);
    const { sandbox } = cell;
    this.#enter(run, cell, () => {
      const completion = act(sandbox);
      // What a timer's callback throws does not end the run that set the timer.
      if (completion.threw && !run.verdict) {
        this.#send(uncaughtWarning(run, sandbox, completion.value));
      }
      return run.verdict ? completion : sandbox.runJobs();
    });
    // What came of it does not wait for the runs that come next.
    if (this.#waiting.length > 0) this.#flush();
    this.#pump();
  }

  /** Goes on with a cell that was put away once there is a sandbox for it again. */
  #revive(run: Run, cell: Cell, act: (sandbox: Sandbox) => Completion): void {
    const { epoch } = cell;
    // All that happens meanwhile waits for the same sandbox, in order.
    cell.reviving ??= this.#settings.cells.revive(cell).finally(() => (cell.reviving = undefined));
    cell.reviving.then(
      () => cell.epoch === epoch && this.#resume(cell, act),
      (error: unknown) => {
        if (cell.epoch !== epoch) return;
        const reason = error instanceof Error ? error.message : String(error);
        const message = `No sandbox could be made to go on in: ${reason}`;
        this.#fail(run, cell, { code: "worker-lost", message });
        this.#pump();
      },
    );
  }

  #settle(run: Run, cell: Cell, value: Address): void {
    const { heap } = cell.sandbox;
    const writer = this.#value;
    writer.clear();
    try {
      heap.refresh();
      const address = plainResult(run, cell, value);
      const maximumBytes = run.outputLeft;
      writeValue(heap, address, writer, { root: "result", maximumBytes, beside: true });
    } catch (error) {
      this.#fail(run, cell, this.#brokenVerdict(cell, error));
      return;
    }
    const cost = run.cost(performance.now());
    this.#send({ type: "settled", runId: run.id, cost, value: writer.written });
    if (writer.bytes.length > KEPT_WRITER_BYTES) this.#value = new ByteWriter(256);
    this.#leave(run, cell, true);
  }

  #failThrown(run: Run, cell: Cell, thrown: Address): void {
    const verdict = thrown === 0 ? undefined : verdictOnThrown(this.#settings.cells, cell, thrown);
    if (verdict) return this.#fail(run, cell, verdict);
    const writer = this.#value;
    writer.clear();
    writeThrown(cell.sandbox.heap, thrown, writer);
    this.#send({
      type: "failed",
      runId: run.id,
      cost: run.cost(performance.now()),
      code: "guest-error",
      message: "",
      isTrap: false,
      thrown: writer.bytes.subarray(0, writer.length),
    });
    this.#leave(run, cell, true);
  }

  #fail(run: Run, cell: Cell, verdict: Verdict): void {
    this.#send(failure(run, verdict));
    this.#leave(run, cell, REFUSALS.has(verdict.code));
  }

  /** `isIntact`: the guest came to its own end, whatever that was. */
  #leave(run: Run, cell: Cell, isIntact: boolean): void {
    clearTimeout(run.deadlineTimer);
    this.#parked.delete(run.id);
    cell.runs.delete(run);
    this.#isCrowded = false;
    if (cell.session) return this.#leaveSession(run, cell, cell.session, isIntact);
    if (cell !== this.#shared) return this.#settings.cells.release(cell, run.cpuMs);
    if (cell.sandbox.poisoned) {
      // Nobody in it can be told anything any more.
      const verdict: Verdict = {
        code: "worker-lost",
        message: "The shared sandbox was lost to another run.",
      };
      this.#dropShared();
      for (const other of cell.runs) this.#fail(other, cell, verdict);
    } else {
      cell.sandbox.free(run.owned);
      // Which of several runs asked for what cannot be told: theirs end with the last of them.
      if (cell.runs.size === 0) cell.endRequests();
      if (cell.runs.size === 0 && cell.image !== this.#settings.cells.image) this.#dropShared();
    }
  }

  #leaveSession(run: Run, cell: Cell, session: SessionMemory, isIntact: boolean): void {
    if (isIntact && !cell.sandbox.poisoned) {
      cell.sandbox.free(run.owned);
      if (run.modules?.hasMore === true) session.modules.push(run.modules);
    }
    this.#settings.sessions.rest(cell, isIntact);
  }

  #dropShared(): void {
    const cell = this.#shared;
    this.#shared = undefined;
    if (cell) this.#settings.cells.release(cell, 0);
  }

  /** What an error of the host's code in a sandbox means for the run that was in it. */
  #brokenVerdict(cell: Cell, error: unknown): Verdict {
    const { verdict, engineFailure } = verdictOnError(this.#settings.cells, cell, error);
    if (engineFailure !== undefined) {
      const message = `The engine failed: ${engineFailure}`;
      this.#send({ type: "warning", runId: 0, name: "sandbox-discarded", message });
    }
    // Which of its runs broke a shared sandbox cannot be told.
    return cell === this.#shared ? { ...verdict, isTrap: false } : verdict;
  }

  #send(message: MessageFromWorker): void {
    writeFromWorker(this.#out, message);
    // Inside a turn of the pump the pump flushes; elsewhere (timers, replies) #resume pumps.
    if (!this.#pumping && !this.#flushDue) {
      this.#flushDue = true;
      queueMicrotask(() => {
        this.#flushDue = false;
        this.#flush();
      });
    }
  }

  #flushDue = false;

  #flush(): void {
    if (this.#out.length === 0 || this.#stopped) return;
    this.#settings.post(this.#out.takePayload());
    if (this.#out.bytes.length > KEPT_WRITER_BYTES) this.#out = new ByteWriter(4096);
  }
}
