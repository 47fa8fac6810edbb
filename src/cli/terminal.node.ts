/** What is written where: results on stdout, everything about them on stderr. */
import { inspect } from "node:util";
import { SkepError } from "../errors.ts";
import { UsageError } from "./usage-error.ts";

const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 200;

/** A stream that may be a terminal. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Whether a stream shows colours: a terminal, unless NO_COLOR says otherwise. */
export function hasColours(stream: Pick<Output, "isTTY">): boolean {
  // See no-color.org: any text but the empty one.
  const isUnwanted = (process.env["NO_COLOR"] ?? "") !== "" || process.env["TERM"] === "dumb";
  return stream.isTTY === true && !isUnwanted;
}

/** A guest's value for people. Texts are as they are, but for what would steer the terminal. */
export function shown(value: unknown, colours: boolean): string {
  if (typeof value === "string") return withoutControls(value);
  return inspect(value, { colors: colours, depth: 8 });
}

/** A guest's value for programs. Throws when JSON cannot tell it. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    throw new SkepError("not-marshallable", "The result cannot be told in JSON. Leave out --json.");
  }
}

/** An error for people. */
export function describeError(error: unknown, colours: boolean): string {
  const red = (text: string): string => (colours ? `\u001b[31m${text}\u001b[39m` : text);
  const dim = (text: string): string => (colours ? `\u001b[2m${text}\u001b[22m` : text);
  if (error instanceof UsageError) return `${red("skep:")} ${withoutControls(error.message)}`;
  if (!(error instanceof SkepError)) {
    const message = error instanceof Error ? error.message : String(error);
    return `${red("skep:")} ${withoutControls(message)}`;
  }
  const { name, message, code, frame, location, stack } = error;
  const lines = [`${red(code === "guest-error" ? name : code)}: ${withoutControls(message)}`];
  if (location !== undefined) {
    const { file, line, column } = location;
    lines.push(dim(`    at ${withoutControls(file)}:${line}:${column}`));
  } else if (code === "guest-error" && stack !== undefined && stack.trim() !== "") {
    lines.push(dim(withoutControls(stack.trimEnd())));
  }
  if (frame !== undefined) lines.push(withoutControls(frame));
  return lines.join("\n");
}

/** An error for programs. */
export function errorData(error: unknown): Record<string, unknown> {
  if (!(error instanceof SkepError)) {
    return { name: "Error", message: error instanceof Error ? error.message : String(error) };
  }
  const { name, message, code, location, frame } = error;
  const stack = code === "guest-error" ? error.stack : undefined;
  return { name, message, code, stack, location, frame };
}

/** Text in which nothing moves the cursor, colours, or rings. */
export function withoutControls(text: string): string {
  return text.replace(
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Shows, on a terminal, that something takes its time; returns how to stop. */
export function showProgress(stream: Output, what: string): () => void {
  if (stream.isTTY !== true) return () => {};
  const began = Date.now();
  let isShown = false;
  const timer = setInterval(() => {
    const elapsedMs = Date.now() - began;
    if (elapsedMs < PROGRESS_AFTER_MS) return;
    isShown = true;
    stream.write(`\r${what} ${(elapsedMs / 1_000).toFixed(1)} s `);
  }, PROGRESS_EVERY_MS);
  return () => {
    clearInterval(timer);
    if (isShown) stream.write("\r\u001b[K");
  };
}
