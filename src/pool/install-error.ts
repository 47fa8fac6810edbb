import { SkepError, type SkepErrorOptions } from "../errors.ts";
import type { DefinitionKind } from "../protocol/control.ts";

interface InstallErrorOptions extends ErrorOptions, Pick<SkepErrorOptions, "location" | "frame"> {
  /** Why no worker was even asked. */
  reason?: string | undefined;
  /** When it is another definition that changed. */
  occasion?: string | undefined;
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
    options: InstallErrorOptions = {},
  ) {
    const what =
      kind === "bootstrap" ? "The bootstrap code" : `${capitalized(kind)} "${definition}"`;
    const messages = new Set(failures.map(({ message }) => message));
    // Workers mostly agree, and then once is enough.
    const said =
      messages.size === 1
        ? [...messages].join("")
        : failures.map(({ workerId, message }) => `worker ${workerId}: ${message}`).join("; ");
    const { reason, occasion = "", ...rest } = options;
    super("install-failed", `${what} could not be installed${occasion}: ${reason ?? said}`, rest);
    this.kind = kind;
    this.definition = definition;
    this.failures = failures;
  }
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
