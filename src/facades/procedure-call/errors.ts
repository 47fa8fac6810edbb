/** Errors in the facade's words. All of them are plain `Error`s, but for what a function threw. */
import { type GuestError, SkepError } from "../../errors.ts";
import { InstallError } from "../../pool/install-error.ts";
import type { DefinitionKind } from "../../protocol/control.ts";
import type { Admission } from "../../registry/registry.ts";

export function notRunning(): Error {
  return new Error("Workers are not running. Start workers before invoking calls.");
}

export function undefinedFunction(name: string): Error {
  return new Error(`Function "${name}" is not defined.`);
}

export function missingRequirement(
  name: string,
  { kind, name: missing }: NonNullable<Admission["missing"]>,
): Error {
  const what = kind === "dependency" ? "dependency alias" : "constant";
  return new Error(`Function "${name}" requires ${what} "${missing}" which is not defined.`);
}

export function noReadyWorkers(name: string): Error {
  return new Error(`No ready workers with function "${name}" installed are available.`);
}

export function saturated(name: string, limit: number): Error {
  return new Error(
    `All workers are saturated for "${name}" (${limit} pending call limit per worker reached).`,
  );
}

export function timedOut(name: string, timeoutMs: number): Error {
  return new Error(`Call to "${name}" timed out after ${timeoutMs}ms.`);
}

export function notSerializable(label: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`${label} is not serializable via structured clone: ${reason}`, {
    cause: error,
  });
}

/** What workers said to a definition they could not install. */
export function notInstalled(
  error: InstallError,
  asked?: { kind: DefinitionKind; name: string },
): Error {
  // A worker that could not tell which one it was names its sandbox.
  const isVague = error.kind === "bootstrap" && asked !== undefined;
  const { kind, name } = isVague ? asked : { kind: error.kind, name: error.definition };
  const reasons = error.failures.map(({ workerId, message }) => `Worker ${workerId}: ${message}`);
  return new Error(
    `Failed to install ${kind} "${name}" on one or more workers: ${reasons.join("; ")}`,
    { cause: error },
  );
}

/** The pool's error as a plain one. */
export function plainError(error: unknown): Error {
  if (error instanceof InstallError) return notInstalled(error);
  if (error instanceof SkepError) return new Error(error.message, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** Makers of the errors that both sides have a class for, by name. */
const MAKERS: Readonly<Record<string, (message: string) => Error>> = {
  // Without a prototype "constructor" would be found.
  __proto__: null as never,
  AggregateError: (message) => new AggregateError([], message),
  EvalError: (message) => new EvalError(message),
  RangeError: (message) => new RangeError(message),
  ReferenceError: (message) => new ReferenceError(message),
  SyntaxError: (message) => new SyntaxError(message),
  TypeError: (message) => new TypeError(message),
  URIError: (message) => new URIError(message),
};

/**
 * What a function threw, as the caller sees it: of the class it had, where both sides have that
 * class, with its code and its cause. Other own data is under `data`.
 */
export function thrownError(thrown: GuestError): Error {
  const { name, message, stack, data } = thrown;
  const error = MAKERS[name]?.(message) ?? new Error(message);
  if (error.name !== name) define(error, "name", name);
  define(error, "stack", `${name}: ${message}${stack ? `\n${stack.trimEnd()}` : ""}`);
  if ("cause" in thrown) define(error, "cause", thrown.cause);
  const { code, ...rest } = data;
  if (typeof code === "string" || typeof code === "number") define(error, "code", code, true);
  if (Object.keys(rest).length > 0) define(error, "data", rest, true);
  return error;
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
