/** The errors that are thrown, by the names they are documented under. */

/** A task ran out of time: what `unwrapResult()` throws for it. */
export class WorkerTaskTimeoutError extends Error {
  override readonly name = "WorkerTaskTimeoutError";
  readonly isTimeout = true;

  constructor(
    readonly taskId: string,
    readonly timeoutMs: number,
  ) {
    super(`Task ${taskId} timed out after ${timeoutMs}ms`);
  }
}

/** A task was cancelled: what `unwrapResult()` throws for it. */
export class WorkerTaskCancelledError extends Error {
  override readonly name = "WorkerTaskCancelledError";
  readonly isCancelled = true;

  constructor(readonly taskId: string) {
    super(`Task ${taskId} was cancelled`);
  }
}

/** A worker was lost with a task in it: what `unwrapResult()` throws for it. */
export class WorkerCrashError extends Error {
  override readonly name = "WorkerCrashError";
  readonly isWorkerCrash = true;

  constructor(
    readonly taskId: string,
    readonly originalError?: Error,
  ) {
    const why = originalError === undefined ? "" : `: ${originalError.message}`;
    super(`Worker crashed while executing task ${taskId}${why}`, { cause: originalError });
  }
}

/** The pool was disposed, before or while it was asked for something. */
export class PoolDisposedError extends Error {
  override readonly name = "PoolDisposedError";

  constructor() {
    super("Worker pool has been disposed");
  }
}

/** As many tasks wait as `maxQueueSize` allows. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";

  constructor(readonly maxSize: number) {
    super(`Task queue is full (max: ${maxSize})`);
  }
}

/** `forceMultiThreaded` is set and there can be no threads. */
export class MultiThreadingNotSupportedError extends Error {
  override readonly name = "MultiThreadingNotSupportedError";

  constructor(cause?: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : ".";
    super(
      `Multi-threading is required (forceMultiThreaded), and no worker can be started here${why} ` +
        "Leave forceMultiThreaded out to run in this thread instead.",
      { cause },
    );
  }
}
