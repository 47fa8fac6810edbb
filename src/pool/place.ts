/** Where in guest source an error happened, and the lines around it. */
import type { SkepErrorOptions } from "../errors.ts";
import { locationIn } from "../protocol/source-files.ts";
import type { SourceLocation } from "../source-location.ts";
import { codeFrame } from "./code-frame.ts";

/** The source text that stack traces call by a file name. */
export type TextOfFile = (file: string) => string | undefined;

/**
 * Where an error happened, by its stack or by what its worker said. Texts that belong to the
 * occasion are asked for first, then those of the registry.
 */
export type Explain = (
  error: string | SourceLocation,
  textOf?: TextOfFile,
) => Pick<SkepErrorOptions, "location" | "frame">;

/** Explains with what a registry knows. */
export function createExplain(registryText: TextOfFile): Explain {
  return (error, textOf = () => undefined) => {
    const places = typeof error === "string" ? error.split("\n").map(locationIn) : [error];
    for (const location of places) {
      if (location === undefined) continue;
      const text = textOf(location.file) ?? registryText(location.file);
      if (text !== undefined) return { location, frame: codeFrame(text, location) };
    }
    return {};
  };
}
