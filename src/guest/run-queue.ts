/** The worker's queue: takes runs in order, finds each a cell, and has it executed there. */
import { messageOf } from "../errors.ts";
import type { BatchSender } from "../protocol/batch-sender.ts";
import type { MessageFromWorker, MessageToWorker, RunLimits } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import { readToWorker } from "../protocol/wire.ts";
import type { CellSupply } from "./cell-supply.ts";
import type { Cells } from "./cells.ts";
import type { Executor } from "./executor.ts";
import { failure } from "./reports.ts";
import { ABORTED, Run, type RunTarget } from "./run.ts";
import type { Sessions } from "./sessions.ts";
import { nextTask } from "./task.ts";
import { TURN_MS } from "./turns.ts";

/** Results wait for others at most this long. */
const FLUSH_MS = 0.5;

export interface RunQueueSettings {
  cells: Cells;
  supply: CellSupply;
  sessions: Sessions;
  executor: Executor;
  sender: BatchSender<MessageFromWorker>;
  /** Of runs that name no others. */
  limits: RunLimits;
  /** See `WorkerSettings`. */
  clockAheadMs?: number | undefined;
}

export class RunQueue {
  readonly #settings: RunQueueSettings;
  readonly #waiting: Run[] = [];
  /** Runs whose session is being given a sandbox again. */
  readonly #awaiting = new Set<Run>();
  #isPumping = false;
  #isStopped = false;

  constructor(settings: RunQueueSettings) {
    this.#settings = settings;
    const { executor, supply, sender } = settings;
    executor.onTurnEnd = () => {
      // What came of it does not wait for the runs that come next.
      if (this.#waiting.length > 0) sender.flush();
      this.#pump();
    };
    supply.onCell = () => this.#pump();
    supply.onFailure = (verdict) => {
      for (const run of this.#waiting.splice(0)) sender.send(failure(run, verdict));
      sender.flush();
    };
  }

  /** Takes a batch of the data wire. Bytes that are none end the worker: the parent hears why. */
  onBatch(batch: Payload): void {
    for (const message of readToWorker(batch)) this.#onMessage(message);
    this.#pump();
  }

  /** Ends all that is under way: from now on nothing happens in here. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    const { supply, executor, sender } = this.#settings;
    supply.stop();
    executor.stop();
    sender.stop();
  }

  #onMessage(message: MessageToWorker): void {
    if (message.type === "cancel") {
      this.#cancel(message.runId);
      return;
    }
    if (message.type === "host-reply") {
      this.#settings.executor.answer(message);
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
    const index = this.#waiting.findIndex((run) => run.id === runId);
    if (index >= 0) {
      const [run] = this.#waiting.splice(index, 1);
      if (run) this.#settings.sender.send(failure(run, ABORTED));
      return;
    }
    this.#settings.executor.endParked(runId, ABORTED);
    for (const run of this.#awaiting) if (run.id === runId) run.verdict = ABORTED;
  }

  /** Executes waiting runs until there are none, no cell is free, or the event loop is due. */
  #pump(): void {
    if (this.#isPumping || this.#isStopped) return;
    const { supply, executor, sender, cells } = this.#settings;
    this.#isPumping = sender.isHeld = true;
    const started = performance.now();
    let flushed = started;
    while (this.#waiting.length > 0) {
      const run = this.#waiting[0] as Run;
      if (run.sessionId === 0) {
        const cell = supply.cellFor(run);
        if (!cell) break;
        this.#waiting.shift();
        executor.start(run, cell);
      } else {
        this.#waiting.shift();
        this.#startInSession(run);
      }
      const now = performance.now();
      if (now - flushed > FLUSH_MS) {
        sender.flush();
        flushed = now;
      }
      if (now - started > TURN_MS && this.#waiting.length > 0) {
        nextTask(() => this.#pump());
        break;
      }
    }
    sender.flush();
    this.#isPumping = sender.isHeld = false;
    // The results are on their way; the next run finds its cell clean.
    cells.clean();
  }

  #startInSession(run: Run): void {
    const { sessions, cells, executor, sender } = this.#settings;
    const fail = (message: string): void =>
      sender.send(failure(run, { code: "worker-lost", message }));
    const cell = sessions.cellOf(run.sessionId);
    if (!cell) return fail("The worker does not have the session.");
    const cannotWake = (error: unknown): void => {
      const reason = messageOf(error);
      fail(`No sandbox could be made for the session: ${reason}`);
    };
    try {
      if (cells.wake(cell)) return executor.start(run, cell);
    } catch (error) {
      return cannotWake(error);
    }
    this.#awaiting.add(run);
    cells
      .revive(cell)
      .then(() => {
        // Aborted meanwhile: nothing of it has happened.
        if (run.verdict) sender.send(failure(run, run.verdict));
        else this.#waiting.unshift(run);
      }, cannotWake)
      .finally(() => {
        this.#awaiting.delete(run);
        this.#pump();
      });
  }
}
