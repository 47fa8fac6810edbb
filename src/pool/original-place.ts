/** Tells of a package that fails when it is evaluated where in its own files that is. */
import type { Platform } from "../environments/contract.ts";
import type { CheckedDefinitions } from "../registry/definitions.ts";
import { codeFrame } from "./code-frame.ts";
import { InstallError } from "./install-error.ts";

/** The error with the place in the package's file instead of its bundle, as far as that is known. */
export async function withOriginalPlace(
  platform: Platform,
  { dependencies }: CheckedDefinitions,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof InstallError) || error.location === undefined) return error;
  const { kind, definition, failures, location } = error;
  const order = dependencies.find(({ alias }) => alias === location.file);
  const specifier = order?.kind === "ordered" ? order.fields.get("npm") : undefined;
  if (typeof specifier !== "string") return error;
  try {
    const found = await platform.placeInPackage?.(specifier, location);
    if (found === undefined) return error;
    const told = failures.map(({ workerId, message }) => ({
      workerId,
      message: message.replace(placeText(location), () => placeText(found.location)),
    }));
    const frame = found.text === undefined ? undefined : codeFrame(found.text, found.location);
    return new InstallError(kind, definition, told, { location: found.location, frame });
  } catch {
    // The files are others by now: the place in the bundle is still true.
    return error;
  }
}

/** A place as it stands in messages. */
function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return `(${file}:${line}:${column})`;
}
