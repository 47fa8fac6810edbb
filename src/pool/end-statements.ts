/**
 * Ends what a removed declaration ended: of `let a = 1`, `interface B {}`, `(c)` on three lines,
 * nothing but `let a = 1 (c)` would be left.
 */
import { scan, type Token } from "../registry/scanner.ts";

/** Where none of this stands at the beginning of a line, comments aside, there is nothing to end. */
const SUSPECT =
  /^[ \t;]*(?:(?:private|public|protected|readonly|override|declare|abstract)\b.*?)?(?:[-([`+]|\/(?![/*])|\*\s*[\w$#[]+[^\n]*\{)/m;

/** What would go on with the expression before it. */
const CONTINUING = new Set(["(", "[", "+", "-", "/", "*", "++", "--"]);

/** What begins the removed rest of an expression or a declaration, which then goes on. */
const WITHIN = new Set(["<", ":", "?", "!", "as", "satisfies", "|", "&"]);

/** `code` is `source` without types, every token in its line and column. */
export function endStatements(source: string, code: string): string {
  if (!SUSPECT.test(source)) return code;
  const sourceLines = source.split("\n");
  // A line that became longer, where an enum was, has nothing in its column.
  const lines = code
    .split("\n")
    .map((line, index) =>
      line.length > (sourceLines[index] ?? "").length ? undefined : Array.from(line),
    );
  const ends: Place[] = [];
  const places = placesOf(source, scan(source));
  let start: Place | undefined;
  let before: Place | undefined;
  for (const place of places) {
    if (isRemoved(place, lines)) {
      start ??= place;
      continue;
    }
    if (start !== undefined && before !== undefined && isEnd(before, start, place)) {
      ends.push(start);
    }
    before = place;
    start = undefined;
  }
  if (ends.length === 0) return code;
  const ended = code.split("\n");
  for (const { line, column } of ends) {
    const characters = Array.from((ended[line] ?? "").padEnd(column + 1));
    characters[column] = ";";
    ended[line] = characters.join("");
  }
  return ended.join("\n");
}

/** A token, its line from 0 and its column in characters. */
interface Place {
  token: Token;
  line: number;
  column: number;
}

function placesOf(source: string, tokens: readonly Token[]): Place[] {
  let line = 0;
  let column = 0;
  let done = 0;
  return tokens.map((token) => {
    for (const character of source.slice(done, token.start)) {
      if (character === "\n") {
        line++;
        column = 0;
      } else column++;
    }
    done = token.start;
    return { token, line, column };
  });
}

function isRemoved(
  { line, column }: Place,
  lines: readonly (readonly string[] | undefined)[],
): boolean {
  const characters = lines[line];
  return characters !== undefined && (characters[column] ?? " ").trim() === "";
}

function isEnd(before: Place, removed: Place, after: Place): boolean {
  if (removed.line === before.line || WITHIN.has(removed.token.text)) return false;
  const isContinuing =
    CONTINUING.has(after.token.text) || ["template", "regex"].includes(after.token.kind);
  const endsExpression =
    before.token.kind !== "sign" || [")", "]", "}"].includes(before.token.text);
  return isContinuing && endsExpression;
}
