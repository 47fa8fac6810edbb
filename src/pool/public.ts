/** What both builds export besides `createPool`. */
export type { Environment, WorkerEnd, WorkerHandle, WorkerSpec } from "../environments/contract.ts";
export { GuestError, SkepError, type SkepErrorCode } from "../errors.ts";
export type { RestartOptions } from "./backoff.ts";
export type { Crossed } from "./crossed.ts";
export type { PoolEventName, PoolEvents, PoolListener } from "./events.ts";
export { InstallError } from "./install-error.ts";
export type { FetchOptions } from "./fetch-options.ts";
export type { DirectoryEntry, FilesUsage, FileStatus, PoolFiles } from "./files/pool-files.ts";
export type { FilesOptions } from "./files/settings.ts";
export type { LimitOptions } from "./limits.ts";
export type { PoolOptions, QueueOptions } from "./options.ts";
export type {
  Calls,
  FunctionsOf,
  Pool,
  RemoteFunction,
  RemoteFunctions,
  WorkerHealth,
} from "./pool.ts";
export type { QuarantinedFunction } from "./quarantine.ts";
export type { MemoryOptions, QuarantineOptions, RecycleOptions } from "./supervision-options.ts";
export type { SessionOptions } from "./session-options.ts";
export type {
  RestoreOptions,
  Session,
  SessionEvalOptions,
  SessionRunOptions,
  SnapshotOptions,
} from "./session.ts";
export type { EvalOptions, Execution, RunOptions, RunOutcome, SourceOptions } from "./run.ts";
export type { Distribution, PoolStatistics } from "./statistics.ts";
export type { RunSums, SumsByName } from "./sums.ts";
export type { ContextApi, Span, SpanOptions, TelemetryOptions, TraceApi, Tracer } from "./trace.ts";
export type { WorkerState } from "./worker-state.ts";
export type { Receipt } from "../receipt.ts";
export type { SourceLocation } from "../source-location.ts";
export type {
  Definitions,
  DependencyInput,
  FunctionInput,
  Undefinitions,
} from "../registry/definitions.ts";
export type {
  HostCallContext,
  HostFunction,
  HostFunctionOptions,
  HostTable,
  StandardSchema,
} from "../registry/host-functions.ts";
export type { SourceText } from "../registry/source-text.ts";
export type { RegistryDescription } from "../registry/contents.ts";
