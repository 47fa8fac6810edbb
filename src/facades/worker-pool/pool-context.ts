/** A pool with the interface of a QuickJS context, for values rather than handles. */
import type { QuickJSWorkerPool } from "./pool.ts";
import { checkTask, type TaskOptions } from "./options.ts";
import { disposedResult, unwrapped, type WorkerTaskResult } from "./results.ts";
import type { WorkerTask } from "./tasks.ts";

export type WorkerPoolContextResult<Value = unknown> = WorkerTaskResult<Value>;
export type WorkerPoolEvalOptions = TaskOptions;

export class WorkerPoolContext implements Disposable {
  readonly #pool: QuickJSWorkerPool;
  #isDisposed = false;

  constructor(pool: QuickJSWorkerPool) {
    this.#pool = pool;
  }

  /** Whether neither it nor its pool is disposed. */
  get alive(): boolean {
    return !this.#isDisposed && this.#pool.alive;
  }

  get isMultiThreaded(): boolean {
    return this.#pool.isMultiThreaded;
  }

  /** Evaluates source text in a fresh sandbox, as the pool does. */
  async evalCodeAsync(
    code: string,
    filenameOrOptions: string | WorkerPoolEvalOptions = {},
  ): Promise<WorkerPoolContextResult> {
    if (this.#isDisposed) return disposedResult();
    const options =
      typeof filenameOrOptions === "string" ? { filename: filenameOrOptions } : filenameOrOptions;
    checkTask(options, "evalCodeAsync");
    return this.#pool.evalCode(code, options);
  }

  /** Evaluates several source texts in parallel. */
  async evalCodeBatch(tasks: readonly (string | WorkerTask)[]): Promise<WorkerPoolContextResult[]> {
    if (this.#isDisposed) return tasks.map(() => disposedResult());
    return this.#pool.evalCodeBatch(
      tasks.map((task) => (typeof task === "string" ? { code: task } : task)),
    );
  }

  /** The value of a result. Throws what it failed with. */
  unwrapResult<Value>(result: WorkerPoolContextResult<Value>): Value {
    return unwrapped(result);
  }

  /** Ends the context; the pool serves on. */
  dispose(): void {
    this.#isDisposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A context that evaluates on a pool. */
export function newWorkerPoolContext(pool: QuickJSWorkerPool): WorkerPoolContext {
  return new WorkerPoolContext(pool);
}
