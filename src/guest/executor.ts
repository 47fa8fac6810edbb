/**
 * Executes runs: enters the engine, parks a run while its guest waits, and settles each exactly
 * once. The only place where guest code is entered after installation.
 */
import { messageOf } from "../errors.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import type { BatchSender } from "../protocol/batch-sender.ts";
import type { HostReplyMessage, MessageFromWorker } from "../protocol/messages.ts";
import { payloadBytes } from "../protocol/payload.ts";
import { isOwnEnd } from "../protocol/run-ends.ts";
import { beginRun } from "./begin-run.ts";
import { catchUp, runDueTimers } from "./catch-up.ts";
import type { Cell } from "./cell.ts";
import type { CellSupply } from "./cell-supply.ts";
import type { Cells } from "./cells.ts";
import { reportUncaught } from "./console-lines.ts";
import type { Address } from "./engine.ts";
import { cellHooks, type HostAccess, settlePending, type VisitSurroundings } from "./host-visit.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { writeThrown } from "./marshal/thrown.ts";
import { failure } from "./reports.ts";
import { completionValue, plainResult } from "./result.ts";
import type { Run, Verdict } from "./run.ts";
import { hasMore, isWaiting, TURN_MS } from "./turns.ts";
import { verdictOnError, verdictOnThrown } from "./verdicts.ts";
import type { Completion, Sandbox } from "./sandbox.ts";
import type { SessionMemory, Sessions } from "./sessions.ts";

const SHARED_LOST: Verdict = {
  code: "worker-lost",
  message: "The shared sandbox was lost to another run.",
};
/** A result's buffer that grew beyond this is not kept. */
const KEPT_WRITER_BYTES = 2 ** 20;

export interface ExecutorSettings extends HostAccess {
  cells: Cells;
  supply: CellSupply;
  sessions: Sessions;
  sender: BatchSender<MessageFromWorker>;
  /** The engine stack that images were made with. */
  stackBytes: number;
}

export class Executor {
  /** Called after a turn that no queue began, a timer's or an answer's: cells may be free again. */
  onTurnEnd: () => void = () => {};
  readonly #settings: ExecutorSettings;
  readonly #cells: Cells;
  readonly #supply: CellSupply;
  readonly #sender: BatchSender<MessageFromWorker>;
  readonly #surroundings: VisitSurroundings;
  readonly #parked = new Map<number, { run: Run; cell: Cell }>();
  #value = new ByteWriter(256);
  #current: Run | undefined;
  #isStopped = false;

  constructor(settings: ExecutorSettings) {
    this.#settings = settings;
    const { cells, supply, sender } = settings;
    this.#cells = cells;
    this.#supply = supply;
    this.#sender = sender;
    this.#surroundings = {
      ...settings,
      current: () => this.#current,
      send: (message) => sender.send(message),
      flush: () => sender.flush(),
      resume: (cell, act) => this.#resume(cell, act),
      endIfDecided: (run) => this.#endIfDecided(run),
    };
  }

  stop(): void {
    this.#isStopped = true;
    for (const { run } of this.#parked.values()) clearTimeout(run.deadlineTimer);
    this.#parked.clear();
  }

  /** Begins a run in its cell. */
  start(run: Run, cell: Cell): void {
    cell.runs.add(run);
    const { sandbox, session } = cell;
    sandbox.hooks = cell.hooks ??= cellHooks(cell, this.#surroundings);
    const now = performance.now();
    run.begin(now);
    try {
      if (session?.rollsBack === true) session.before = this.#cells.stateOf(cell);
      const { stackBytes } = run.limits;
      // In a shared sandbox another run may have changed it.
      if (stackBytes !== this.#settings.stackBytes || this.#isKept(cell)) {
        this.#cells.limitStack(cell, stackBytes);
      }
    } catch (error) {
      return this.#fail(run, cell, this.#brokenVerdict(cell, error));
    }
    const late = run.verdictBy(now);
    // It has waited too long behind others.
    if (late) return this.#fail(run, cell, late);
    this.#enter(run, cell, () => {
      const onThrown = (thrown: Address): void =>
        reportUncaught(run, sandbox, thrown, this.#surroundings.send);
      if (session) catchUp(run, cell, session, this.#cells, onThrown);
      else if (cell.isOverdue) {
        cell.isOverdue = false;
        runDueTimers(run, sandbox, onThrown);
      }
      if (run.verdict) return undefined;
      const completion = beginRun(run, cell, this.#isKept(cell), this.#settings.inventory);
      if (completion && completion.value !== 0) run.owned = completion.value;
      if (!completion || completion.threw) return completion;
      run.promise = completion.value;
      return sandbox.runJobs();
    });
  }

  /** Enters the engine for a run and sees what has become of it afterwards. */
  #enter(run: Run, cell: Cell, act: () => Completion | undefined): void {
    const { signals } = this.#settings;
    if (signals) signals.enter(run.id);
    else {
      this.#sender.send({ type: "entered", runId: run.id });
      this.#sender.flush();
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
    run.peakMemoryBytes = Math.max(run.peakMemoryBytes, this.#cells.heapBytes(cell));
    const verdict = broken === undefined ? run.verdictBy(after) : this.#brokenVerdict(cell, broken);
    if (verdict) this.#fail(run, cell, verdict);
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
    if (cell.runs.size > 0 && this.#supply.isShared(cell)) this.#reviewOthers(cell, run);
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
      run.isUnwrapped = true;
      // One that is a promise is awaited as well, like a function's result.
      run.promise = completionValue(sandbox, promise.result);
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
    this.#sender.send({ type: "settled", runId: run.id, cost, value: writer.written });
    if (writer.bytes.length > KEPT_WRITER_BYTES) this.#value = new ByteWriter(256);
    this.#leave(run, cell, true);
  }

  #failThrown(run: Run, cell: Cell, thrown: Address): void {
    const verdict = thrown === 0 ? undefined : verdictOnThrown(this.#cells, cell, thrown);
    if (verdict) return this.#fail(run, cell, verdict);
    const writer = this.#value;
    writer.clear();
    writeThrown(cell.sandbox.heap, thrown, writer);
    this.#sender.send({
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
    this.#sender.send(failure(run, verdict));
    this.#leave(run, cell, isOwnEnd(verdict.code));
  }

  /** `isIntact`: the guest came to its own end, whatever that was. */
  #leave(run: Run, cell: Cell, isIntact: boolean): void {
    clearTimeout(run.deadlineTimer);
    this.#parked.delete(run.id);
    cell.runs.delete(run);
    this.#supply.noteLeft();
    if (cell.session) return this.#leaveSession(run, cell, cell.session, isIntact);
    if (this.#supply.isShared(cell)) return this.#leaveShared(run, cell);
    this.#cells.release(cell, run.cpuMs);
  }

  #leaveShared(run: Run, cell: Cell): void {
    if (cell.sandbox.poisoned) {
      // Nobody in it can be told anything any more. The last one to leave has it thrown away.
      const [other] = cell.runs;
      if (other) this.#fail(other, cell, SHARED_LOST);
      else this.#supply.dropShared();
      return;
    }
    cell.sandbox.free(run.owned);
    // Which of several runs asked for what cannot be told: theirs end with the last of them.
    if (cell.runs.size === 0) cell.endRequests();
    this.#supply.renewShared();
  }

  #leaveSession(run: Run, cell: Cell, session: SessionMemory, isIntact: boolean): void {
    if (isIntact && !cell.sandbox.poisoned) {
      cell.sandbox.free(run.owned);
      if (run.modules?.hasMore === true) session.modules.push(run.modules);
    }
    this.#settings.sessions.rest(cell, isIntact);
  }

  /** Whether the cell's sandbox outlives its runs. */
  #isKept(cell: Cell): boolean {
    return this.#supply.isShared(cell) || cell.session !== undefined;
  }

  /** What an error of the host's code in a sandbox means for the run that was in it. */
  #brokenVerdict(cell: Cell, error: unknown): Verdict {
    const { verdict, engineFailure } = verdictOnError(this.#cells, cell, error);
    if (engineFailure !== undefined) {
      const message = `The engine failed: ${engineFailure}`;
      this.#sender.send({ type: "warning", runId: 0, name: "sandbox-discarded", message });
    }
    // Which of its runs broke a shared sandbox cannot be told.
    return this.#supply.isShared(cell) ? { ...verdict, isTrap: false } : verdict;
  }

  #park(run: Run, cell: Cell): void {
    this.#parked.set(run.id, { run, cell });
    if (!this.#supply.isShared(cell)) this.#cells.idle(cell);
    if (run.deadline === Number.POSITIVE_INFINITY) {
      if (cell.timer === undefined && cell.pendingHostCalls === 0 && !this.#supply.isShared(cell)) {
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
        this.onTurnEnd();
      }, left);
    }
    this.#sender.send({ type: "parked", runId: run.id });
  }

  /** Ends a run from outside, if it waits. */
  endParked(runId: number, verdict: Verdict): void {
    const parked = this.#parked.get(runId);
    if (parked) this.#fail(parked.run, parked.cell, verdict);
  }

  /** A host call was answered. Late answers, to runs or calls that are gone, find nobody. */
  answer({ runId, callId, succeeded, payload }: HostReplyMessage): void {
    const parked = this.#parked.get(runId);
    // A session's guest may still wait for what an earlier run asked for.
    const cell = parked?.cell ?? this.#settings.sessions.cellAwaiting(callId);
    if (!cell?.hostCalls.delete(callId)) return;
    cell.pendingHostCalls--;
    parked?.run.countInput(payloadBytes(payload));
    if (parked && this.#endIfDecided(parked.run)) return;
    this.#resume(cell, (sandbox) => settlePending(sandbox, callId, { succeeded, payload }));
  }

  /** Ends a parked run whose verdict is known already. Returns whether it is. */
  #endIfDecided(run: Run): boolean {
    const parked = this.#parked.get(run.id);
    if (parked === undefined || run.verdict === undefined) return false;
    this.#fail(run, parked.cell, run.verdict);
    this.onTurnEnd();
    return true;
  }

  /** Continues a parked cell: a timer is due, or the host answered. */
  #resume(cell: Cell, act: (sandbox: Sandbox) => Completion): void {
    // In a shared cell any waiting run may stand for the cell: it is only whose time is counted.
    const run = [...cell.runs].find((candidate) => this.#parked.has(candidate.id));
    if (!run) cell.session?.late.push(act);
    if (!run || this.#isStopped) return;
    if (!this.#cells.wake(cell)) return this.#revive(run, cell, act);
    const { sandbox } = cell;
    this.#enter(run, cell, () => {
      for (const until = performance.now() + TURN_MS; ;) {
        const completion = act(sandbox);
        // What a timer's callback throws does not end the run that set the timer.
        if (completion.threw && !run.verdict) {
          reportUncaught(run, sandbox, completion.value, this.#surroundings.send);
        }
        if (run.verdict) return completion;
        const isDone = !hasMore(sandbox, completion);
        if (!completion.threw) sandbox.free(completion.value);
        const failed = sandbox.runJobs();
        if (failed || isDone || performance.now() > until || !isWaiting(sandbox, run))
          return failed;
      }
    });
    this.onTurnEnd();
  }

  /** Goes on with a cell that was put away once there is a sandbox for it again. */
  #revive(run: Run, cell: Cell, act: (sandbox: Sandbox) => Completion): void {
    const { epoch } = cell;
    // All that happens meanwhile waits for the same sandbox, in order.
    this.#cells.revive(cell).then(
      () => cell.epoch === epoch && this.#resume(cell, act),
      (error: unknown) => {
        if (cell.epoch !== epoch) return;
        const reason = messageOf(error);
        const message = `No sandbox could be made to go on in: ${reason}`;
        this.#fail(run, cell, { code: "worker-lost", message });
        this.onTurnEnd();
      },
    );
  }
}
