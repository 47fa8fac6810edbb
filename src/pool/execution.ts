/** What `run()`, `eval()` and `execute()` are given, as a run's target. */
import { NO_BUFFERS } from "../protocol/payload.ts";
import { encodeArguments } from "../protocol/values/inbound.ts";
import type { RunTarget, SourceOptions } from "./run.ts";
import { emptySource, type IsDependency, invalid, sourceTarget } from "./source-target.ts";

/** What `execute()` runs. */
export type Execution =
  | { run: string; args?: readonly unknown[] | undefined }
  | ({ eval: string } & SourceOptions);

/** What is to run: a function's name, or what says how an evaluation is named. */
export type Subject = string | SourceOptions | Execution;

const NO_BYTES = /*#__PURE__*/ new Uint8Array();

/** Stands in for arguments that could not be encoded, or a source that could not be read. */
export function nothingOf(subject: Subject): RunTarget {
  if (typeof subject === "object" && !("run" in subject)) return emptySource(subject);
  const name = typeof subject === "string" ? subject : subject.run;
  return { type: "function", name, args: { bytes: NO_BYTES, buffers: NO_BUFFERS } };
}

export function functionTarget(
  name: string,
  args: readonly unknown[],
  transfer: readonly ArrayBuffer[] | undefined,
): RunTarget {
  if (typeof name !== "string") throw invalid("The name of the function to run must be a string.");
  if (!Array.isArray(args)) throw invalid(`The arguments of "${name}" must be an array.`);
  return { type: "function", name, args: encodeArguments(args, { transfer }) };
}

export function executionTarget(
  execution: Execution,
  transfer: readonly ArrayBuffer[] | undefined,
  isDependency: IsDependency,
): RunTarget | Promise<RunTarget> {
  if (typeof execution === "object" && execution !== null) {
    if ("run" in execution) return functionTarget(execution.run, execution.args ?? [], transfer);
    if ("eval" in execution) return sourceTarget(execution.eval, execution, isDependency);
  }
  throw invalid("execute() needs { run: name, args } or { eval: source }.");
}
