/** Virtual modules that are JSON: their default export is what the text says. */
import type { SkepError } from "../errors.ts";
import { syntaxError } from "./syntax-error.ts";

/** A module's source for a JSON text. Throws a `SyntaxError` of the guest's that says where. */
export function jsonModule(file: string, text: string): string {
  try {
    JSON.parse(text);
  } catch {
    throw misplaced(file, text);
  }
  return `export default ${expressionOf(text)};`;
}

/** JSON is an expression, but for a key that would set the prototype. */
function expressionOf(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"(\s*:)?/g, (string, colon: string | undefined) => {
    if (colon === undefined || !/proto|\\u/.test(string)) return string;
    const key = string.slice(0, string.length - colon.length);
    return JSON.parse(key) === "__proto__" ? `["__proto__"]${colon}` : string;
  });
}

const TOKEN =
  /[\t\n\r ]*([[\]{},:]|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | ", or end";

/** Points at the first token that does not fit. */
function misplaced(file: string, text: string): SkepError {
  const open: string[] = [];
  let expected: Expected = "value";
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1] ?? "";
    const next = after(token, expected, open);
    if (next === undefined) break;
    expected = next;
    at = TOKEN.lastIndex;
  }
  const start = at + (/^[\t\n\r ]*/.exec(text.slice(at))?.[0].length ?? 0);
  const message = start < text.length ? "Unexpected token in JSON" : "Unexpected end of JSON";
  const before = text.slice(0, start).split("\n");
  return syntaxError(file, text, message, before.length, (before.at(-1) ?? "").length);
}

/** What may follow a token; undefined where it cannot stand itself. `open` has the open brackets. */
function after(token: string, expected: Expected, open: string[]): Expected | undefined {
  if (expected === ":") return token === ":" ? "value" : undefined;
  if (token === "}" || token === "]") {
    const isEnd = expected === ", or end" || expected.endsWith(token);
    return isEnd && open.pop() === token ? ", or end" : undefined;
  }
  if (expected === ", or end") {
    if (token !== "," || open.length === 0) return undefined;
    return open.at(-1) === "}" ? "key" : "value";
  }
  if (expected.startsWith("key")) return token.startsWith('"') ? ":" : undefined;
  if (token === "{") {
    open.push("}");
    return "key or }";
  }
  if (token === "[") {
    open.push("]");
    return "value or ]";
  }
  return token === "" || token === "," || token === ":" ? undefined : ", or end";
}
