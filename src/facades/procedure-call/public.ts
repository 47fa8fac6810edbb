/** The types both builds export, and the globals that worker functions find in their sandbox. */
export type {
  WorkerEvent,
  WorkerEventError,
  WorkerEventListener,
  WorkerEventName,
  WorkerEventSeverity,
} from "./events.ts";
export type { WorkerProcedureCallOptions } from "./options.ts";
export type { WorkerHealthInformation } from "./health.ts";
export type {
  RemoteFunctionInformation,
  WorkerConstantInformation,
  WorkerDependencyInformation,
} from "./procedure-calls.ts";

declare global {
  /**
   * In a worker function: the module that a dependency's alias stands for, or the export of it that
   * the definition names. Rejects with a `ReferenceError` when there is no such dependency.
   */
  function wpc_import(dependency: string | { alias: string }): Promise<unknown>;
  /**
   * In a worker function: the value of a constant, a fresh copy in every call. Throws a
   * `ReferenceError` when there is no such constant.
   */
  function wpc_constant(name: string): unknown;
}
