/** The pool itself, on whatever platform `index*` put it. */
import { loadPart } from "../../load-part.ts";
import { isMultiThreadingSupported } from "./capabilities.ts";
import { createLog } from "./log.ts";
import { checkTask, type TaskOptions, type WorkerPoolSettings } from "./options.ts";
import type { WorkerTaskResult } from "./results.ts";
import type { WorkerSession } from "./session.ts";
import { WorkerSessions } from "./sessions.ts";
import type { TaskHandle, Tasks, WorkerTask } from "./tasks.ts";
import { startWorkers, type WorkerPoolHome, type Workers } from "./workers.ts";

/** What `getStats()` returns. */
export interface PoolStats {
  poolSize: number;
  /** Workers with a task. */
  busyWorkers: number;
  /** Workers without one, those included that start when they are needed. */
  availableWorkers: number;
  queuedTasks: number;
  completedTasks: number;
  failedTasks: number;
  averageExecutionTimeMs: number;
  isMultiThreaded: boolean;
}

/** What a pool is made of, once its first worker is up. */
export interface PoolParts {
  workers: Workers;
  tasks: Tasks;
  sessions: WorkerSessions;
  settings: WorkerPoolSettings;
}

/** Evaluates source text in parallel, every task in a sandbox of its own. */
export class QuickJSWorkerPool implements Disposable, AsyncDisposable {
  readonly #workers: Workers;
  readonly #tasks: Tasks;
  readonly #sessions: WorkerSessions;

  /** Pools are made by `newWorkerPool()`. */
  constructor({ workers, tasks, sessions }: PoolParts) {
    this.#workers = workers;
    this.#tasks = tasks;
    this.#sessions = sessions;
  }

  /** Whether workers are threads. */
  get isMultiThreaded(): boolean {
    return this.#workers.isMultiThreaded;
  }

  /** Whether it takes tasks. */
  get alive(): boolean {
    return !this.#workers.core.isClosed;
  }

  /** Workers with a task. */
  get busyWorkers(): number {
    return this.#workers.busyCount;
  }

  /** Workers without one, those included that start when they are needed. */
  get availableWorkers(): number {
    return this.alive ? this.#workers.availableCount : 0;
  }

  /** Tasks that wait for a worker, or for their turn in a session. */
  get queuedTasks(): number {
    return this.#workers.queuedCount;
  }

  /** Sessions that were not released. */
  get activeSessionCount(): number {
    return this.#sessions.count;
  }

  /**
   * Evaluates source text in a fresh sandbox: a script's completion value, with top-level await.
   * Rejects when the pool is disposed (`PoolDisposedError`), too many tasks wait (`QueueFullError`),
   * or it is called wrongly; whatever else becomes of the task is its result.
   */
  async evalCode(code: string, options: TaskOptions = {}): Promise<WorkerTaskResult> {
    // Before it is spread, which would make options of the letters of a text.
    checkTask(options, "evalCode");
    return this.submit({ ...options, code }).promise;
  }

  /** Evaluates several source texts in parallel; all of them or, when there is no room, none. */
  async evalCodeBatch(tasks: readonly WorkerTask[]): Promise<WorkerTaskResult[]> {
    return this.#tasks.batch(tasks);
  }

  /**
   * Submits a task, and returns what it can be cancelled with. Throws `PoolDisposedError`,
   * `QueueFullError`, or what is wrong with the task.
   */
  submit(task: WorkerTask): TaskHandle {
    return this.#tasks.submit(task);
  }

  /** Opens a session: a sandbox whose state persists from task to task. */
  createSession(): Promise<WorkerSession> {
    return this.#sessions.open();
  }

  getStats(): PoolStats {
    const { completed, failed, averageMs } = this.#tasks;
    return {
      poolSize: this.#workers.size,
      busyWorkers: this.busyWorkers,
      availableWorkers: this.availableWorkers,
      queuedTasks: this.queuedTasks,
      completedTasks: completed,
      failedTasks: failed,
      averageExecutionTimeMs: averageMs,
      isMultiThreaded: this.isMultiThreaded,
    };
  }

  /** Ends the workers at once. Tasks that have not ended reject with `PoolDisposedError`. */
  dispose(): void {
    void this.#dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Resolves when the workers are gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose();
  }

  async #dispose(): Promise<void> {
    const closed = this.#workers.core.close(true);
    this.#sessions.releaseAll();
    await closed;
  }
}

/** Starts what a pool needs. */
export async function startPoolParts(
  home: WorkerPoolHome,
  settings: WorkerPoolSettings,
): Promise<PoolParts> {
  const log = createLog(settings.verbose);
  log?.("log", "Creating pool with options:", told(settings));
  const loading = loadPart("running tasks", () => import("./tasks.ts"));
  // Awaited below: until then it must not count as unhandled.
  loading.catch(() => {});
  const workers = await startWorkers(home, settings, log);
  const { Tasks: TasksOf } = await loading.catch(async (error: unknown) => {
    await workers.core.close(true);
    throw error;
  });
  const mode = workers.isMultiThreaded ? "MULTI-THREADED" : "SINGLE-THREADED";
  const files = settings.variant === "wasmfs" ? ", Variant: wasmfs" : "";
  log?.("log", `Pool created successfully. Mode: ${mode}${files}`);
  const tasks = new TasksOf(workers, settings.maxQueueSize, log);
  return { workers, tasks, sessions: new WorkerSessions(workers, tasks, settings, log), settings };
}

function told(settings: WorkerPoolSettings): object {
  const { poolSize, variant, opfsMountPath, preWarm, defaultTimeoutMs, maxQueueSize } = settings;
  return {
    poolSize,
    variant,
    ...(variant === "wasmfs" ? { opfsMountPath } : {}),
    preWarm,
    defaultTimeout: defaultTimeoutMs,
    maxQueueSize,
    multiThreadSupported: isMultiThreadingSupported(),
  };
}
