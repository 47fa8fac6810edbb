/** Texts in quotes, as Node shows them inside of values. */

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "\\": "\\\\",
  "'": "\\'",
};
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const TO_ESCAPE = /[\u0000-\u001f'\\\u007f-\u009f]|\p{Surrogate}/gu;

/** In single quotes, unless others need no escapes. */
export function quoted(text: string): string {
  const quote = quoteFor(text);
  const inside = text.replace(TO_ESCAPE, (character) =>
    character === "'" && quote !== "'" ? "'" : escaped(character),
  );
  return quote + inside + quote;
}

/** A control character or half of a surrogate pair as text. */
export function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  const long = code > 0xff ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`;
  return SHORT_ESCAPES[character] ?? long;
}

function quoteFor(text: string): string {
  if (!text.includes("'")) return "'";
  if (!text.includes('"')) return '"';
  return text.includes("`") || text.includes("${") ? "'" : "`";
}
