/**
 * Puts what a stripper of types left of a text back into its columns. Lines it keeps by itself;
 * within them, its source map tells where everything was, and spaces take the place of types.
 */

/** `code` with every token in the column it has in `source`, as far as it is not beyond it. */
export function keepColumns(source: string, code: string, mappings: string): string {
  const sourceLines = source.split("\n");
  const codeLines = code.split("\n");
  const position = { line: 0, column: 0 };
  const segments = mappings.split(";");
  return codeLines
    .map((codeLine, index) =>
      realigned(codeLine, sourceLines[index] ?? "", index, segments[index] ?? "", position),
    )
    .join("\n");
}

function realigned(
  codeLine: string,
  sourceLine: string,
  index: number,
  segments: string,
  position: { line: number; column: number },
): string {
  let result = "";
  /** How many characters of the source are missing so far; negative when there are more. */
  let missing = 0;
  let column = 0;
  let codeDone = 0;
  let sourceDone = 0;
  for (const segment of segments === "" ? [] : segments.split(",")) {
    const [columns = 0, , lines = 0, sourceColumns = 0] = decodeVlq(segment);
    column += columns;
    position.line += lines;
    position.column += sourceColumns;
    if (position.line !== index || position.column < sourceDone) continue;
    const kept = codeLine.slice(codeDone, column);
    missing += characters(sourceLine.slice(sourceDone, position.column)) - characters(kept);
    result += kept;
    if (missing > 0) {
      result += " ".repeat(missing);
      missing = 0;
    }
    codeDone = column;
    sourceDone = position.column;
  }
  return result + codeLine.slice(codeDone);
}

/** The engine counts code points. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
