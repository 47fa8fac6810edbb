/** How tasks end, as data, and the errors that `unwrapResult()` makes of it. */
import type { SkepError } from "../../errors.ts";
import { GuestError, type SkepErrorCode } from "../../errors.ts";
import { WorkerCrashError, WorkerTaskCancelledError, WorkerTaskTimeoutError } from "./errors.ts";

/** Why a task failed. */
export interface WorkerTaskError {
  /** What was thrown, e.g. `TypeError`; or `TimeoutError`, `CancelledError`, `WorkerCrashedError`. */
  name: string;
  message: string;
  /** The guest's own frames. */
  stack?: string;
  isTimeout?: boolean;
  isWorkerCrash?: boolean;
  isCancelled?: boolean;
}

/** How a task ended. */
export type WorkerTaskResult<Value = unknown> =
  | { value: Value; error?: undefined }
  | { value?: undefined; error: WorkerTaskError };

/** The task a failure belongs to. */
export interface FailedTask {
  taskId: string;
  /** What it was given; 0 is unlimited. */
  timeoutMs: number;
}

type Failed = { error: WorkerTaskError };

/** What failures are called that neither the guest's code nor the caller chose. */
const NAMES: Partial<Record<SkepErrorCode, string>> = {
  "memory-exceeded": "MemoryExceededError",
  "stack-exceeded": "StackExceededError",
  "host-calls-exceeded": "HostCallsExceededError",
  "input-exceeded": "InputExceededError",
  "output-exceeded": "OutputExceededError",
  "not-marshallable": "DataCloneError",
  "session-ended": "SessionReleasedError",
  closed: "SessionReleasedError",
};

/** What `unwrapResult()` throws for a failure. */
const thrown = new WeakMap<WorkerTaskError, () => Error>();

/** The result of a task that a pool failed. */
export function failureResult(failure: SkepError, task: FailedTask): Failed {
  switch (failure.code) {
    case "timeout":
      // Without a limit it is a script that awaits what nobody will ever settle.
      if (task.timeoutMs > 0) return timeoutResult(task);
      return { error: { name: "UnsettledPromiseError", message: failure.message } };
    case "aborted":
      return cancelledResult(task);
    case "worker-lost":
      return crashResult(failure, task);
    default:
  }
  const { message } = failure;
  if (!(failure instanceof GuestError)) return { error: { name: nameOf(failure), message } };
  const { name, stack } = failure;
  return { error: stack ? { name, message, stack } : { name, message } };
}

function nameOf({ code }: SkepError): string {
  return NAMES[code] ?? "WorkerError";
}

function timeoutResult({ taskId, timeoutMs }: FailedTask): Failed {
  const message = `Task timed out after ${timeoutMs}ms`;
  const error = { name: "TimeoutError", message, isTimeout: true };
  thrown.set(error, () => new WorkerTaskTimeoutError(taskId, timeoutMs));
  return { error };
}

export function cancelledResult({ taskId }: Pick<FailedTask, "taskId">): Failed {
  const error = { name: "CancelledError", message: "Task was cancelled", isCancelled: true };
  thrown.set(error, () => new WorkerTaskCancelledError(taskId));
  return { error };
}

function crashResult(failure: SkepError, { taskId }: FailedTask): Failed {
  const error = { name: "WorkerCrashedError", message: failure.message, isWorkerCrash: true };
  thrown.set(error, () => new WorkerCrashError(taskId, failure));
  return { error };
}

export function releasedResult(): Failed {
  return { error: { name: "SessionReleasedError", message: "Session has been released" } };
}

export function disposedResult(): Failed {
  return { error: { name: "DisposedError", message: "Context has been disposed" } };
}

export function poolDisposedResult(): Failed {
  return { error: { name: "PoolDisposedError", message: "Worker pool has been disposed" } };
}

/** The value of a result; throws what it failed with. */
export function unwrapped<Value>(result: WorkerTaskResult<Value>): Value {
  const { error } = result;
  if (error === undefined) return result.value;
  throw errorOf(error);
}

function errorOf(failure: WorkerTaskError): Error {
  const known = thrown.get(failure)?.();
  if (known !== undefined) return known;
  const { name, message, stack } = failure;
  const error = new Error(message);
  error.name = name;
  // The host's frames say nothing about guest code.
  if (stack !== undefined) error.stack = `${name}: ${message}\n${stack}`;
  return error;
}
