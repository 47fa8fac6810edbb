/**
 * A few lines of source with one place marked, as compilers print them. The text may come from
 * anyone: what a terminal would obey is shown as a dot.
 */
import type { SourceLocation } from "../source-location.ts";

/** Lines shown before and after the marked one. */
const AROUND = 2;
/** Characters of a line that are shown. */
const LINE_WIDTH = 100;
/** Characters before the place when a line is cut at its start. */
const LEAD = 60;

/** The frame; undefined when the text has no such line. */
export function codeFrame(text: string, { line, column }: SourceLocation): string | undefined {
  const lines = linesAround(text, line);
  const digits = String(lines.at(-1)?.number ?? 0).length;
  // All lines are cut alike, or they would not stand under each other.
  const from = column > LINE_WIDTH ? column - LEAD : 1;
  const rows: string[] = [];
  for (const { number, content } of lines) {
    const gutter = String(number).padStart(digits);
    const { shown, before } = cut(content, from, column);
    rows.push(`${number === line ? ">" : " "} ${gutter} | ${shown}`.trimEnd());
    if (number === line) rows.push(`  ${" ".repeat(digits)} | ${before}^`);
  }
  return lines.some(({ number }) => number === line) ? rows.join("\n") : undefined;
}

/** The engine counts line feeds, and nothing else, as ends of lines. */
function linesAround(text: string, line: number): { number: number; content: string }[] {
  const lines: { number: number; content: string }[] = [];
  let start = 0;
  for (let number = 1; number <= line + AROUND; number++) {
    const end = text.indexOf("\n", start);
    if (number >= line - AROUND) {
      const content = text.slice(start, end < 0 ? text.length : end);
      lines.push({ number, content: content.replace(/\r$/, "") });
    }
    if (end < 0) break;
    start = end + 1;
  }
  // Nothing is worth showing of the empty line that a text's last line feed begins.
  if (lines.length > 1 && lines.at(-1)?.content === "" && lines.at(-1)?.number !== line)
    lines.pop();
  return lines;
}

/** A line from the character `from` on, and what takes as much room as its part before `column`. */
function cut(content: string, from: number, column: number): { shown: string; before: string } {
  let shown = from > 1 ? "…" : "";
  let before = from > 1 ? " " : "";
  let position = 0;
  for (const character of content) {
    position++;
    if (position < from) continue;
    if (position >= from + LINE_WIDTH) {
      shown += "…";
      break;
    }
    const visible = character === "\t" ? "  " : UNPRINTABLE.test(character) ? "·" : character;
    shown += visible;
    if (position < column) before += spaceFor(visible);
  }
  return { shown, before };
}

function spaceFor(visible: string): string {
  if (/\p{M}/u.test(visible)) return "";
  return WIDE.test(visible) ? "\u3000" : " ".repeat(visible === "  " ? 2 : 1);
}

/** Controls, directions, and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
/** Characters that take two columns of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
