/** How members of a value are set in lines: the widths, columns and breaks of Node's `util.inspect`. */

/** Columns that a line should not go beyond. */
export const LINE_COLUMNS = 80;
/** Levels that may share one line. */
const LEVELS_PER_LINE = 3;
/** Arrays of more members than this are set in columns. */
const LONGEST_LIST = 6;
const SEPARATOR = ", ";
const MOST_COLUMNS = Math.min(LEVELS_PER_LINE * 4, 15);
/** How much higher than wide a character is: columns are chosen so that the whole is about square. */
const CHARACTER_HEIGHT = 2.5;

export interface Members {
  /** What is before the opening bracket. */
  base: string;
  open: string;
  close: string;
  texts: string[];
  /** For what is set in columns: whether all are numbers, which stand to the right. */
  columns?: { isNumeric: boolean; hasRest: boolean } | undefined;
  /** Levels below this one, of the last member that had any. */
  levelsBelow: number;
  /** Columns before the brackets' own. */
  indentation: number;
}

/** The members between their brackets, in one line if that is short and flat enough. */
export function layOut(members: Members): string {
  const { base, open, close, texts, columns, indentation } = members;
  const before = base === "" ? open : `${base} ${open}`;
  const rows =
    columns && texts.length > LONGEST_LIST ? inColumns(texts, columns, indentation) : texts;
  if (rows.length === texts.length && members.levelsBelow < LEVELS_PER_LINE) {
    const start = rows.length + indentation + open.length + base.length + 10;
    const length = rows.reduce((sum, text) => sum + text.length, rows.length + start);
    const line = rows.join(SEPARATOR);
    if (length <= LINE_COLUMNS && !base.includes("\n") && !line.includes("\n")) {
      return `${before} ${line} ${close}`;
    }
  }
  const margin = `\n${" ".repeat(indentation)}`;
  return `${before}${margin}  ${rows.join(`,${margin}  `)}${margin}${close}`;
}

/** Several members to a row, below each other; as they are where that would not help. */
function inColumns(
  texts: string[],
  { isNumeric, hasRest }: { isNumeric: boolean; hasRest: boolean },
  indentation: number,
): string[] {
  const rest = hasRest ? texts.slice(-1) : [];
  const cells = hasRest ? texts.slice(0, -1) : texts;
  const widths = cells.map((text) => columnsOf(text));
  const widest = Math.max(...widths);
  const total = widths.reduce((sum, width) => sum + width + SEPARATOR.length, 0);
  const cell = widest + SEPARATOR.length;
  if (cell * 3 + indentation >= LINE_COLUMNS) return texts;
  if (total / cell <= 5 && widest > 6) return texts;
  // Where most cells are narrower than the widest, more of them fit than it would seem.
  const usual = Math.max(cell - 3 - Math.sqrt(cell - total / texts.length), 1);
  const count = Math.min(
    Math.round(Math.sqrt(CHARACTER_HEIGHT * usual * cells.length) / usual),
    Math.floor((LINE_COLUMNS - indentation) / cell),
    MOST_COLUMNS,
  );
  if (count <= 1) return texts;
  const columnWidths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...widths.filter((_width, index) => index % count === column)),
  );
  const rows: string[] = [];
  for (let first = 0; first < cells.length; first += count) {
    const row = cells.slice(first, first + count).map((text, column, { length }) => {
      const isLast = column === length - 1;
      const padding = " ".repeat((columnWidths[column] ?? 0) - (widths[first + column] ?? 0));
      if (isNumeric) return padding + text + (isLast ? "" : SEPARATOR);
      return isLast ? text : text + SEPARATOR + padding;
    });
    rows.push(row.join(""));
  }
  return [...rows, ...rest];
}

const COMBINING = /\p{M}|\u200b|\u200c|\u200d|\u200e|\u200f/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;

/** The columns a text takes in a terminal: some characters take two, some none. */
export function columnsOf(text: string): number {
  // Most texts are of these only.
  if (/^[\0-\u02ff]*$/.test(text)) return text.length;
  const shown = text.normalize("NFC").replace(COMBINING, "").replace(WIDE, "  ");
  return Array.from(shown).length;
}
