/** Where in guest source an error happened, and the lines around it. */
import type { SkepErrorOptions } from "../errors.ts";
import { locationIn } from "../protocol/source-files.ts";
import type { SourceLocation } from "../source-location.ts";
import { codeFrame } from "./code-frame.ts";
import { importPlace } from "./import-place.ts";

/** The source text that stack traces call by a file name. */
export type TextOfFile = (file: string) => string | undefined;

/** What an error may be located by: its stack, else its message, or a place that is known. */
export interface Clues {
  stack?: string | undefined;
  message?: string | undefined;
  location?: SourceLocation | undefined;
  /** The file that the message is about, where that is known. */
  file?: string | undefined;
}

/** Where an error happened, by clues, given the texts of the occasion by file name. */
export type Explain = (
  clues: Clues,
  texts?: ReadonlyMap<string, string>,
) => Pick<SkepErrorOptions, "location" | "frame">;

/** Explains with what a registry knows, after the texts of the occasion. */
export function createExplain(registryText: TextOfFile): Explain {
  return ({ stack = "", message = "", location, file }, texts = new Map()) => {
    for (const place of [location, ...stack.split("\n").map(locationIn)]) {
      if (place === undefined) continue;
      const text = texts.get(place.file) ?? registryText(place.file);
      if (text !== undefined) return placeIn(text, place);
    }
    const known = file === undefined || texts.has(file) ? undefined : registryText(file);
    const all = known === undefined ? texts : new Map([...texts, [file ?? "", known]]);
    const place = importPlace(message, all);
    return place === undefined ? {} : placeIn(all.get(place.file) ?? "", place);
  };
}

function placeIn(
  text: string,
  location: SourceLocation,
): Pick<SkepErrorOptions, "location" | "frame"> {
  const frame = codeFrame(text, location);
  if (frame !== undefined) return { location, frame };
  const lines = text.split("\n");
  if (location.line !== lines.length + 1) return { location };
  // Something is missing at the end, and was missed only in what the library has put behind it.
  const column = Array.from(lines.at(-1) ?? "").length + 1;
  const end = { ...location, line: lines.length, column };
  return { location: end, frame: codeFrame(text, end) };
}
