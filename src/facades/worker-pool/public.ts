/** What both builds export, but for what starts something. */
export {
  detectPlatform,
  getDefaultPoolSize,
  isMultiThreadingSupported,
  type PlatformName,
} from "./capabilities.ts";
export {
  WorkerEnabledContext,
  type WorkerEnabledContextResult,
  type WorkerEnabledEvalOptions,
} from "./enabled-context.ts";
export type { EvalStrategy, WorkerEnabledContextOptions } from "./enabled-options.ts";
export {
  MultiThreadingNotSupportedError,
  PoolDisposedError,
  QueueFullError,
  WorkerCrashError,
  WorkerTaskCancelledError,
  WorkerTaskTimeoutError,
} from "./errors.ts";
export type {
  TaskOptions,
  WorkerPoolContextLimits,
  WorkerPoolOptions,
  WorkerPoolVariant,
} from "./options.ts";
export { type PoolStats, QuickJSWorkerPool } from "./pool.ts";
export {
  newWorkerPoolContext,
  WorkerPoolContext,
  type WorkerPoolContextResult,
  type WorkerPoolEvalOptions,
} from "./pool-context.ts";
export type { WorkerTaskError, WorkerTaskResult } from "./results.ts";
export { type SessionEvalOptions, WorkerSession } from "./session.ts";
export type { TaskHandle, WorkerTask } from "./tasks.ts";
