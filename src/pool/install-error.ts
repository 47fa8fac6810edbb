import { SkepError, type SkepErrorOptions } from "../errors.ts";
import type { DefinitionKind, InstallFailure } from "../protocol/control.ts";
import type { SourceLocation } from "../source-location.ts";
import type { Clues, Explain } from "./place.ts";

/** Why one worker could not install a definition. */
export interface WorkerInstallFailure {
  workerId: number;
  failure: InstallFailure;
}

/** A definition that could not be installed; it was rolled back everywhere. */
export class InstallError extends SkepError {
  /** What the definition is. */
  readonly kind: DefinitionKind;
  /** The name or alias it was given. */
  readonly definition: string;
  /** What each worker said. */
  readonly failures: readonly { workerId: number; message: string }[];

  constructor(
    kind: DefinitionKind,
    definition: string,
    failures: InstallError["failures"],
    options: ErrorOptions & {
      /** Why no worker was even asked. */
      reason?: string | undefined;
    } & Pick<SkepErrorOptions, "location" | "frame"> = {},
  ) {
    const what =
      kind === "bootstrap" ? "The bootstrap code" : `${capitalized(kind)} "${definition}"`;
    const messages = new Set(failures.map(({ message }) => message));
    // Workers mostly agree, and then once is enough.
    const said =
      messages.size === 1
        ? [...messages].join("")
        : failures.map(({ workerId, message }) => `worker ${workerId}: ${message}`).join("; ");
    const { reason, ...rest } = options;
    super("install-failed", `${what} could not be installed: ${reason ?? said}`, rest);
    this.kind = kind;
    this.definition = definition;
    this.failures = failures;
  }
}

/** The error for what workers reported; they may have stumbled over different definitions. */
export function createInstallError(
  failures: readonly WorkerInstallFailure[],
  explain: Explain,
  texts?: ReadonlyMap<string, string>,
): InstallError {
  const first = failures[0]?.failure;
  const kind = first?.kind ?? "function";
  const definition = first?.name ?? "";
  const explained = failures.map(({ workerId, failure }) => {
    const place = explain({ ...cluesIn(failure), file: fileOf(failure) }, texts);
    return { workerId, message: withPlace(failure.message, place.location), place };
  });
  const list = explained.map(({ workerId, message }) => ({ workerId, message }));
  return new InstallError(kind, definition, list, explained[0]?.place ?? {});
}

/** What the guest's error said is told as `Name: message`. */
function cluesIn({ message, location }: InstallFailure): Clues {
  return { message: message.replace(/^\w+: /, ""), location };
}

function fileOf({ kind, name }: InstallFailure): string | undefined {
  return kind === "dependency" ? name : undefined;
}

export function withPlace(message: string, location: SourceLocation | undefined): string {
  if (location === undefined) return message;
  return `${message} (${location.file}:${location.line}:${location.column})`;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
