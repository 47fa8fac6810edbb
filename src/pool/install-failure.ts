/** What workers report of definitions that they could not install, as an error that says where. */
import type { InstallFailure } from "../protocol/control.ts";
import { functionFile } from "../protocol/source-files.ts";
import type { PreparedDefinitions } from "../registry/definitions.ts";
import type { SourceLocation } from "../source-location.ts";
import { InstallError } from "./install-error.ts";
import type { Clues, Explain } from "./place.ts";

/** Why one worker could not install a definition. */
export interface WorkerInstallFailure {
  workerId: number;
  failure: InstallFailure;
}

/** The error for what workers reported; they may have stumbled over different definitions. */
export function createInstallError(
  failures: readonly WorkerInstallFailure[],
  explain: Explain,
  { texts, occasion }: { texts?: ReadonlyMap<string, string>; occasion?: string } = {},
): InstallError {
  const first = failures[0]?.failure;
  const kind = first?.kind ?? "function";
  const definition = first?.name ?? "";
  const explained = failures.map(({ workerId, failure }) => {
    const place = explain({ ...cluesIn(failure), file: fileOf(failure) }, texts);
    return { workerId, message: withPlace(failure.message, place.location), place };
  });
  const list = explained.map(({ workerId, message }) => ({ workerId, message }));
  return new InstallError(kind, definition, list, { ...explained[0]?.place, occasion });
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

/** The source texts among definitions, by the names that stack traces have for them. */
export function textsIn({
  functions,
  dependencies,
  givenDependencies,
}: PreparedDefinitions): ReadonlyMap<string, string> {
  const texts = new Map(
    functions.map(({ name, text, given }) => [functionFile(name), given ?? text]),
  );
  for (const dependency of dependencies) {
    const { alias } = dependency;
    if ("source" in dependency)
      texts.set(alias, givenDependencies?.get(alias) ?? dependency.source);
  }
  return texts;
}
