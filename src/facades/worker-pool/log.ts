/** What `verbose` writes to the console, and how times, code and values look in it. */

export type LogLevel = "log" | "warn" | "error";
export type Log = (level: LogLevel, ...parts: unknown[]) => void;

const MAXIMUM_CODE = 50;
const MAXIMUM_JSON = 100;
const ELLIPSIS = "...";

/** Undefined where nothing is to be written: then nothing is made to be written either. */
export function createLog(verbose: boolean): Log | undefined {
  if (!verbose) return undefined;
  return (level, ...parts) => console[level]("[WorkerPool]", ...parts);
}

/** Milliseconds, in the unit that suits them. */
export function durationText(durationMs: number): string {
  if (durationMs < 1) return `${(durationMs * 1000).toFixed(2)}µs`;
  if (durationMs < 1000) return `${durationMs.toFixed(2)}ms`;
  return `${(durationMs / 1000).toFixed(2)}s`;
}

/** The beginning of a source text, on one line. */
export function codePreview(code: string): string {
  const line = code
    .slice(0, 10 * MAXIMUM_CODE)
    .replaceAll(/\r\n?|\n/g, " ")
    .trim();
  if (line.length <= MAXIMUM_CODE) return line;
  return line.slice(0, MAXIMUM_CODE - ELLIPSIS.length) + ELLIPSIS;
}

/** The beginning of a value as JSON; of what JSON does not have, as text. */
export function valuePreview(value: unknown): string {
  return textOf(value).slice(0, MAXIMUM_JSON);
}

function textOf(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  try {
    const json = JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "bigint" ? `${part}n` : part,
    ) as string | undefined;
    return json ?? String(value);
  } catch {
    // A cycle, or nested too deep.
    return Object.prototype.toString.call(value);
  }
}
