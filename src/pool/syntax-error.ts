/** Text of a guest that cannot be read, as the engine would say it, for what the engine never sees. */
import { GuestError } from "../errors.ts";
import { codeFrame } from "./code-frame.ts";

/** `line` counts from 1, `offset` in code units from the start of the line. */
export function syntaxError(
  file: string,
  text: string,
  message: string,
  line: number,
  offset: number,
): GuestError {
  const before = (text.split("\n")[line - 1] ?? "").slice(0, Math.max(0, offset));
  const location = { file, line, column: Array.from(before).length + 1 };
  const stack = `    at ${file}:${line}:${location.column}\n`;
  return new GuestError({ name: "SyntaxError", message, stack, data: {} }, undefined, {
    location,
    frame: codeFrame(text, location),
  });
}
