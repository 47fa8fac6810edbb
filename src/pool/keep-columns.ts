/**
 * Puts what a stripper of types left of a text back into its columns. Lines it keeps by itself;
 * within them, its source map tells where everything was, and spaces take the place of types.
 */

/** `code` with every token in the column it has in `source`, as far as it is not beyond it. */
export function keepColumns(source: string, code: string, mappings: string): string {
  const sourceLines = source.split("\n");
  const segments = mappings.split(";");
  /** A source map counts on from line to line. */
  let column = 0;
  const lines = code.split("\n");
  return lines
    .map((line, index) => {
      const marks = decodeLine(segments[index] ?? "", column);
      column = marks.at(-1)?.from ?? column;
      const aligned = realigned(line, sourceLines[index] ?? "", marks);
      const isEnd = endsWithCast(line, sourceLines[index] ?? "", marks.at(-1));
      return isEnd && /^\s*[([`]/.test(lines[index + 1] ?? "") ? `${aligned};` : aligned;
    })
    .join("\n");
}

/** Whether a type ended the line, after which no call can follow, where without it one could. */
function endsWithCast(line: string, source: string, last: Mark | undefined): boolean {
  if (last === undefined || line.slice(last.to).trim() !== "") return false;
  return /^(?:as|satisfies)\b/.test(source.slice(last.from));
}

/** Columns of the same token in the code and in its source. */
interface Mark {
  to: number;
  from: number;
}

function realigned(line: string, source: string, marks: readonly Mark[]): string {
  let result = "";
  /** How many characters of the source are missing so far; negative when there are more. */
  let missing = 0;
  let done: Mark = { to: 0, from: 0 };
  for (const [index, mark] of marks.entries()) {
    const next = marks[index + 1];
    const from = startOfKept(
      line.slice(mark.to, next?.to).trimEnd(),
      source,
      mark.from,
      next?.from,
    );
    if (from < done.from) continue;
    const kept = line.slice(done.to, mark.to);
    missing += characters(source.slice(done.from, from)) - characters(kept);
    result += kept;
    if (missing > 0) {
      result += " ".repeat(missing);
      missing = 0;
    }
    done = { to: mark.to, from };
  }
  return result + line.slice(done.to);
}

/**
 * Where a text starts in its source. The map has one place for what was left out and what follows
 * it, and that is the start of what was left out; but the next place follows what was kept.
 */
function startOfKept(kept: string, source: string, start: number, end: number | undefined): number {
  if (kept === "" || (end === undefined && source.startsWith(kept, start))) return start;
  return start + Math.max(0, source.slice(start, end).lastIndexOf(kept));
}

/** The engine counts code points. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The marks of a line; lines are the same in both, and there is only one source. */
function decodeLine(segments: string, fromBefore: number): Mark[] {
  let to = 0;
  let from = fromBefore;
  return (segments === "" ? [] : segments.split(",")).map((segment) => {
    const [columns = 0, , , sourceColumns = 0] = decodeVlq(segment);
    to += columns;
    from += sourceColumns;
    return { to, from };
  });
}

/** The numbers of a source map's segment: base 64, 5 bits at a time, the sign in the lowest. */
function decodeVlq(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit >= 32) continue;
    numbers.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
