/** The tasks of a pool: how they are let in, how they end, and what is counted and told of them. */
import { callLimits } from "../../pool/limits.ts";
import { tooMuchSource } from "../../pool/outcome.ts";
import { startBytes } from "../../protocol/payload.ts";
import type { Receipt } from "../../receipt.ts";
import { Run, type RunOutcome, type SourceOptions, type SourceTarget } from "../../pool/run.ts";
import { sourceTarget } from "../../pool/source-target.ts";
import { PoolDisposedError, QueueFullError } from "./errors.ts";
import { codePreview, durationText, type Log, valuePreview } from "./log.ts";
import { checkTask, invalid, type TaskOptions } from "./options.ts";
import { cancelledResult, failureResult, type WorkerTaskResult } from "./results.ts";
import type { Workers } from "./workers.ts";

/** Source text to evaluate in a sandbox of its own. */
export interface WorkerTask extends TaskOptions {
  code: string;
}

/** Values by the names of the globals they are to be. */
export type Globals = Readonly<Record<string, unknown>>;

/** A task that was submitted. */
export interface TaskHandle<Value = unknown> {
  /** How it ended. Rejects with `PoolDisposedError` when the pool is disposed before it has. */
  readonly promise: Promise<WorkerTaskResult<Value>>;
  /** Ends it: a waiting task at once, a running one by interrupting it. */
  cancel(): void;
  /** Whether it waits or runs, and was not cancelled. */
  readonly pending: boolean;
  readonly taskId: string;
}

/** A task as the log and the counters know it. */
export interface ToldTask {
  taskId: string;
  code: string;
  timeoutMs: number;
}

export class Tasks {
  readonly #workers: Workers;
  readonly #log: Log | undefined;
  readonly #maxWaiting: number;
  /** The handles' tasks by the numbers of their runs. */
  readonly #told = new Map<number, ToldTask>();
  /** Workers that have had a task. */
  readonly #used = new Set<number>();
  #lastTask = 0;
  completed = 0;
  failed = 0;
  #totalMs = 0;

  constructor(workers: Workers, maxQueueSize: number, log: Log | undefined) {
    this.#workers = workers;
    this.#log = log;
    this.#maxWaiting = maxQueueSize === 0 ? Number.POSITIVE_INFINITY : maxQueueSize;
    if (log === undefined) return;
    workers.core.events.on("run-dispatched", ({ runId, workerId }) => {
      const task = this.#told.get(runId);
      if (task !== undefined) this.#tellStart(task, workerId);
    });
  }

  /** Milliseconds that tasks have run on average; 0 before the first. */
  get averageMs(): number {
    const count = this.completed + this.failed;
    return count === 0 ? 0 : this.#totalMs / count;
  }

  /** Throws when that many tasks would be too many, or cannot be any more. */
  admit(count: number): void {
    if (this.#workers.core.isClosed) throw new PoolDisposedError();
    if (count > this.#workers.roomFor(this.#maxWaiting)) throw new QueueFullError(this.#maxWaiting);
  }

  /** Lets a task in, or throws. `globals` are put on its global object first. */
  submit(task: WorkerTask, globals?: Globals, type?: SourceOptions["type"]): TaskHandle {
    checkTask(task, "submit", ["code"]);
    this.admit(1);
    const taskId = `task-${++this.#lastTask}`;
    const run = this.#runOf(task, { globals, type });
    const { dispatcher, settlement } = this.#workers.core;
    const told = { taskId, code: task.code, timeoutMs: run.limits.timeoutMs };
    this.#told.set(run.id, told);
    let state: "pending" | "cancelled" | "settled" = "pending";
    const promise = new Promise<WorkerTaskResult>((resolve, reject) => {
      const settle = (outcome: RunOutcome): void => {
        const isCancelled = state === "cancelled";
        state = "settled";
        this.#told.delete(run.id);
        if (!outcome.ok && outcome.error.code === "closed") {
          reject(new PoolDisposedError());
          return;
        }
        resolve(this.settled(told, outcome, isCancelled));
      };
      run.wantsOutcome = true;
      run.resolve = (outcome) => settle(outcome as RunOutcome);
      run.reject = reject;
      const { bytesIn } = run.limits;
      if (bytesIn > 0 && startBytes(run.target) > bytesIn) {
        settlement.refuse(run, tooMuchSource(run, settlement.receipt(run)));
      } else dispatcher.submit(run);
    });
    this.#workers.grow();
    return {
      promise,
      taskId,
      get pending() {
        return state === "pending";
      },
      cancel() {
        if (state !== "pending") return;
        state = "cancelled";
        dispatcher.abort(run);
      },
    };
  }

  /** Lets several tasks in, all of them or, when there is no room, none. */
  async batch(tasks: readonly WorkerTask[], globals?: Globals): Promise<WorkerTaskResult[]> {
    if (!Array.isArray(tasks)) throw invalid("evalCodeBatch() takes a list of tasks.");
    this.admit(tasks.length);
    const handles: TaskHandle[] = [];
    try {
      for (const task of tasks as readonly WorkerTask[]) handles.push(this.submit(task, globals));
    } catch (error) {
      for (const handle of handles) handle.cancel();
      throw error;
    }
    return Promise.all(handles.map(({ promise }) => promise));
  }

  #runOf({ code, filename, timeout, priority }: WorkerTask, source: SourceOptions): Run {
    const { dispatcher, settings, clock } = this.#workers.core;
    const { environment, engine, limits: usual } = settings;
    // A script without modules or types is there at once.
    const target = sourceTarget(code, { ...source, filename }, () => false) as SourceTarget;
    const limits = callLimits({ timeoutMs: timeout }, usual, environment.stackBytes[engine]);
    const run = new Run(dispatcher.inFlight.nextRunId(), target, limits, clock.now());
    run.priority = priority ?? 0;
    return run;
  }

  /** Counts and tells a task's end, and says what its result is. */
  settled(task: ToldTask, outcome: RunOutcome, isCancelled = false): WorkerTaskResult {
    const result = isCancelled ? cancelledResult(task) : resultOf(outcome, task);
    this.#count(task, result, outcome.receipt);
    return result;
  }

  #count(task: ToldTask, { value, error }: WorkerTaskResult, receipt: Receipt): void {
    const { wallMs, workerId } = receipt;
    this.#totalMs += wallMs;
    if (error === undefined) this.completed++;
    else this.failed++;
    const log = this.#log;
    if (log === undefined) return;
    const { taskId, timeoutMs } = task;
    const duration = durationText(wallMs);
    if (error === undefined) {
      log("log", `Worker #${workerId}: Task ${taskId} completed`);
      log("log", `Task ${taskId} completed in ${duration}`, `Result: ${valuePreview(value)}`);
      return;
    }
    if (error.isTimeout) {
      log("warn", `Worker #${workerId}: Task ${taskId} timed out after ${timeoutMs}ms`);
    } else if (workerId > 0) {
      log("warn", `Worker #${workerId}: Task ${taskId} errored:`, error.message);
    }
    log("warn", `Task ${taskId} failed in ${duration}:`, error.message);
  }

  #tellStart({ taskId, code }: ToldTask, workerId: number): void {
    const { busyCount, size, queuedCount } = this.#workers;
    const load = `[busy: ${busyCount}/${size}, queued: ${queuedCount}]`;
    this.#log?.("log", `Executing ${taskId}: "${codePreview(code)}"`, load);
    if (this.#used.has(workerId)) this.#log?.("log", `Reusing worker #${workerId}`);
    this.#used.add(workerId);
    this.#log?.("log", `Worker #${workerId}: Starting ${taskId}`);
  }
}

function resultOf(outcome: RunOutcome, task: ToldTask): WorkerTaskResult {
  return outcome.ok ? { value: outcome.value } : failureResult(outcome.error, task);
}
