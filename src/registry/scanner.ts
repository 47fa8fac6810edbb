/**
 * A small scanner for JavaScript: enough to tell code from comments, strings, templates and
 * regular expressions, and to find the parameters of a function. It never refuses: text that is
 * not JavaScript is refused by the engine, with a better message than ours would be.
 */

export type TokenKind = "word" | "private" | "number" | "string" | "template" | "regex" | "sign";

export interface Token {
  kind: TokenKind;
  /** The token as it stands in the source. */
  text: string;
  start: number;
  end: number;
  /** What a string or a template without substitutions spells, when it has no escapes. */
  literal?: string | undefined;
}

/** Words after which `/` starts a regular expression. */
const OPERATOR_WORDS = new Set(
  "return typeof case do else in instanceof new void delete throw yield await of".split(" "),
);
/** Words whose parenthesis is not a value: `if (x) /re/.test(y)`. */
const CONDITION_WORDS = new Set(["if", "while", "for", "with"]);
/** Words after which `{` opens a block rather than an object. */
const BLOCK_WORDS = new Set(["else", "do", "try", "finally"]);
const LONG_SIGNS = ["...", "=>", "?.", "++", "--"];

/** An open bracket, and whether a `/` right after its closing one starts a regular expression. */
interface OpenBracket {
  sign: "(" | "[" | "{" | "${";
  regexAfter: boolean;
}

/** All tokens of `source`, comments and white space left out. */
export function scan(source: string): Token[] {
  const tokens: Token[] = [];
  const open: OpenBracket[] = [];
  // Whether a `/` at this point starts a regular expression rather than dividing.
  let regexAllowed = true;
  let at = 0;

  function push(kind: TokenKind, end: number, literal?: string): void {
    tokens.push({ kind, text: source.slice(at, end), start: at, end, literal });
    at = end;
  }

  /** Takes a template from its backtick, or its rest from the `}` that ends a substitution. */
  function takeTemplate(isStart: boolean): void {
    const end = templateEnd(source, at + 1);
    const substitutes = source[end - 1] === "{";
    const raw = source.slice(at + 1, end - 1);
    push("template", end, isStart && !substitutes && !raw.includes("\\") ? raw : undefined);
    if (substitutes) open.push({ sign: "${", regexAfter: false });
    regexAllowed = substitutes;
  }

  function takeSign(character: string): void {
    const previous = tokens.at(-1);
    if (character === "(") {
      open.push({ sign: "(", regexAfter: CONDITION_WORDS.has(previous?.text ?? "") });
      regexAllowed = true;
    } else if (character === "[") {
      open.push({ sign: "[", regexAfter: false });
      regexAllowed = true;
    } else if (character === "{") {
      open.push({ sign: "{", regexAfter: opensBlock(previous) });
      regexAllowed = true;
    } else if (character === ")" || character === "]" || character === "}") {
      regexAllowed = open.pop()?.regexAfter ?? false;
    } else {
      const long = LONG_SIGNS.find((sign) => source.startsWith(sign, at));
      // `x++ / 2` divides; after every other sign a value is due.
      regexAllowed = long !== "++" && long !== "--";
      push("sign", at + (long ?? character).length);
      return;
    }
    push("sign", at + 1);
  }

  while (at < source.length) {
    const character = source.charAt(at);
    if (isSpace(character)) at++;
    else if (source.startsWith("//", at)) at = lineEnd(source, at);
    else if (source.startsWith("/*", at)) at = blockCommentEnd(source, at);
    else if (isWordPart(character)) {
      const isNumber = isDigit(character);
      const afterDot = tokens.at(-1)?.text === "." || tokens.at(-1)?.text === "?.";
      push(isNumber ? "number" : "word", wordEnd(source, at));
      regexAllowed = !isNumber && !afterDot && OPERATOR_WORDS.has(tokens.at(-1)?.text ?? "");
    } else if (character === "#" && isWordPart(source.charAt(at + 1))) {
      push("private", wordEnd(source, at + 1));
      regexAllowed = false;
    } else if (character === '"' || character === "'") {
      const end = stringEnd(source, at);
      const raw = source.slice(at + 1, end - 1);
      push("string", end, raw.includes("\\") ? undefined : raw);
      regexAllowed = false;
    } else if (character === "`") takeTemplate(true);
    else if (character === "}" && open.at(-1)?.sign === "${") {
      open.pop();
      takeTemplate(false);
    } else {
      const end = character === "/" && regexAllowed ? regexEnd(source, at) : undefined;
      if (end === undefined) takeSign(character);
      else {
        push("regex", end);
        regexAllowed = false;
      }
    }
  }
  return tokens;
}

/** The index of the token that closes the bracket at `openIndex`, or undefined. */
export function closingIndex(tokens: readonly Token[], openIndex: number): number | undefined {
  let depth = 0;
  for (let index = openIndex; index < tokens.length; index++) {
    const token = tokens[index];
    if (token?.kind !== "sign") continue;
    if (token.text === "(" || token.text === "[" || token.text === "{") depth++;
    if (token.text === ")" || token.text === "]" || token.text === "}") depth--;
    if (depth === 0) return index;
  }
  return undefined;
}

function opensBlock(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "word") {
    return BLOCK_WORDS.has(previous.text) || !OPERATOR_WORDS.has(previous.text);
  }
  return previous.kind === "sign" && [")", "=>", ";", "{", "}"].includes(previous.text);
}

function isSpace(character: string): boolean {
  return /\s/.test(character);
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

// Everything beyond ASCII that is not white space is taken for a letter, and so is the backslash
// of a Unicode escape: both only ever stand in names.
function isWordPart(character: string): boolean {
  return (
    character !== "" && (/[\w$\\]/.test(character) || (character > "\x7f" && !isSpace(character)))
  );
}

function wordEnd(source: string, from: number): number {
  // A dot belongs to a number (`1.5`), never to a name.
  const dot = isDigit(source.charAt(from)) ? "." : "";
  let at = from;
  while (isWordPart(source.charAt(at)) || source[at] === dot) at++;
  return at;
}

function lineEnd(source: string, from: number): number {
  let at = from;
  while (at < source.length && !/[\n\r\u2028\u2029]/.test(source.charAt(at))) at++;
  return at;
}

function blockCommentEnd(source: string, from: number): number {
  const end = source.indexOf("*/", from + 2);
  return end < 0 ? source.length : end + 2;
}

function stringEnd(source: string, from: number): number {
  const quote = source[from];
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote) return at + 1;
  }
  return source.length;
}

/** Right after the closing backtick, or right after `${`. */
function templateEnd(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return at + 1;
    else if (source[at] === "$" && source[at + 1] === "{") return at + 2;
  }
  return source.length;
}

/** Right after the flags, or undefined when the line ends first: then it was a division. */
function regexEnd(source: string, from: number): number | undefined {
  let inClass = false;
  for (let at = from + 1; at < source.length; at++) {
    const character = source[at];
    if (character === "\n" || character === "\r") return undefined;
    if (character === "\\") at++;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (character === "/" && !inClass) return wordEnd(source, at + 1);
  }
  return undefined;
}
