/** Where in guest source an error happened, and the lines around it. */
import type { SkepErrorOptions } from "../errors.ts";
import { locationIn } from "../protocol/source-files.ts";
import type { SourceLocation } from "../source-location.ts";
import { codeFrame } from "./code-frame.ts";

/** The source text that stack traces call by a file name. */
export type TextOfFile = (file: string) => string | undefined;

/** The innermost frame of a guest's stack that lies in a known text. */
export function placeOf(
  stack: string,
  textOf: TextOfFile,
): Pick<SkepErrorOptions, "location" | "frame"> {
  for (const line of stack.split("\n")) {
    const location = locationIn(line);
    const text = location && textOf(location.file);
    if (text !== undefined) return { location, frame: codeFrame(text, location as SourceLocation) };
  }
  return {};
}

/** The lines around a place. */
export function frameAt(location: SourceLocation, textOf: TextOfFile): string | undefined {
  const text = textOf(location.file);
  return text === undefined ? undefined : codeFrame(text, location);
}
