/** A guest's stack as it leaves the sandbox: without the library's own frames and marks. */

/** Follows the names of modules that must not be mistaken for another run's. */
export const RUN_MARK = "#skep-run-";

/** Frames that are not the guest's are left out; anything else in the text stays as it is. */
export function tidyStack(stack: string): string {
  const kept: string[] = [];
  for (const line of stack.replace(MARKS, "").split("\n")) {
    if (!isOwnFrame(line)) {
      kept.push(line);
      continue;
    }
    // Natives that the library called belong to it.
    while (/^\s+at .*\(native\)$/.test(kept.at(-1) ?? "")) kept.pop();
  }
  return kept.join("\n");
}

/** A message of the engine's, which may name a module. */
export function tidyMessage(message: string): string {
  return message.includes(RUN_MARK) ? message.replace(MARKS_IN_MESSAGES, "") : message;
}

const MARKS_IN_MESSAGES = new RegExp(`${RUN_MARK}\\d+`, "g");
const MARKS = new RegExp(`${RUN_MARK}\\d+(?=:\\d)`, "g");

/** The library's code is compiled without positions. */
function isOwnFrame(line: string): boolean {
  if (!/^\s+at /.test(line) || line.endsWith("(native)")) return false;
  return /\(skep:boot[:)]/.test(line) || !/:\d+:\d+\)?$/.test(line);
}
