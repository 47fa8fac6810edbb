/** The names under which source text shows up in stack traces, and positions in it. */
import type { SourceLocation } from "../source-location.ts";

/** Code units of a stack's line that is looked at. */
const MAXIMUM_LINE = 1_000;

/** The file of the pool's bootstrap source. */
export const BOOTSTRAP_FILE = "bootstrap.js";

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
  // What follows takes a time that grows with the square of the length, and guests write stacks.
  if (stackLine.length > MAXIMUM_LINE) return undefined;
  const found = /^\s*at (?:.*? \()?(.+):(\d+):(\d+)\)?$/.exec(stackLine);
  if (found === null) return undefined;
  return { file: found[1] ?? "", line: Number(found[2]), column: Number(found[3]) };
}
