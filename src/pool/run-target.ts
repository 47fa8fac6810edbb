/** What a run executes, from what its caller says. */
import { NO_BUFFERS } from "../protocol/payload.ts";
import { encodeArguments } from "../protocol/values/inbound.ts";
import type { Limits } from "./limits.ts";
import type { Execution, RunTarget, SourceOptions } from "./run.ts";
import { emptySource, type IsDependency, invalid, sourceTarget } from "./source-target.ts";

/** A call of a defined function. Throws what encoding its arguments throws. */
export function functionTarget(
  name: string,
  args: readonly unknown[],
  transfer: readonly ArrayBuffer[] | undefined,
  { bytesIn }: Limits,
): RunTarget {
  if (typeof name !== "string") throw invalid("The name of the function to run must be a string.");
  if (!Array.isArray(args)) throw invalid(`The arguments of "${name}" must be an array.`);
  const maximumBytes = bytesIn === 0 ? Number.POSITIVE_INFINITY : bytesIn;
  return { type: "function", name, args: encodeArguments(args, { transfer, maximumBytes }) };
}

/** What `execute()` is asked for. */
export function executionTarget(
  execution: Execution,
  transfer: readonly ArrayBuffer[] | undefined,
  limits: Limits,
  isDependency: IsDependency,
): RunTarget | Promise<RunTarget> {
  if (typeof execution === "object" && execution !== null) {
    if ("run" in execution) {
      return functionTarget(execution.run, execution.args ?? [], transfer, limits);
    }
    if ("eval" in execution) return sourceTarget(execution.eval, execution, isDependency);
  }
  throw invalid("execute() needs { run: name, args } or { eval: source }.");
}

/** What is to run: a function's name, or what says how an evaluation is named. */
export type Subject = string | SourceOptions | Execution;

/** Stands in for arguments that could not be encoded, or a source that could not be read. */
export function nothingOf(subject: Subject): RunTarget {
  if (typeof subject === "object" && !("run" in subject)) return emptySource(subject);
  const name = typeof subject === "string" ? subject : subject.run;
  return { type: "function", name, args: { bytes: new Uint8Array(), buffers: NO_BUFFERS } };
}
