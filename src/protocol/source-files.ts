/** The names under which source text shows up in stack traces, and positions in it. */
import type { SourceLocation } from "../source-location.ts";

/** The file of the pool's bootstrap source. */
export const BOOTSTRAP_FILE = "bootstrap.js";

/** What modules import that ask for `import.meta`: the library's own, and no name for another. */
export const META_MODULE = "skep:meta";

/** The file of a registered function. */
export function functionFile(name: string): string {
  return `${name}.js`;
}

/** The function that a file belongs to, if there is one of that name. */
export function functionOfFile(file: string): string {
  return file.replace(/\.js$/, "");
}

/** The place in a line of a guest's stack; undefined when it names none. */
export function locationIn(stackLine: string): SourceLocation | undefined {
  // Guests write stacks, so nothing here may take more than one look at each character.
  const frame = /^[ \t]*at /.exec(stackLine);
  const place = /:(\d{1,9}):(\d{1,9})\)?$/.exec(stackLine);
  if (frame === null || place === null) return undefined;
  const open = stackLine.indexOf(" (", frame[0].length);
  const start = open < 0 || open >= place.index ? frame[0].length : open + 2;
  if (start > place.index) return undefined;
  const file = stackLine.slice(start, place.index);
  return { file, line: Number(place[1]), column: Number(place[2]) };
}
