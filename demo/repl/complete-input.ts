/** What the parser says about typed source. */
import { javascriptLanguage } from "@codemirror/lang-javascript";

const { parser } = javascriptLanguage;

/**
 * Whether the source is more than a beginning: `f(1,` is not, and gets another line instead of
 * being run. Source with a mistake before its end is complete, as no further line could mend it.
 */
export function isComplete(source: string): boolean {
  const first = firstError(source);
  return first === undefined || first.inString || first.from < source.trimEnd().length;
}

/** `{ a: 1 }` is a block to the language, but an object to whoever types it. */
export function asTyped(source: string): string {
  if (!source.trimStart().startsWith("{")) return source;
  const asExpression = `(${source}\n)`;
  return firstError(asExpression) === undefined ? asExpression : source;
}

function firstError(source: string): { from: number; inString: boolean } | undefined {
  let found: { from: number; inString: boolean } | undefined;
  parser.parse(source).iterate({
    enter({ type, from, node }) {
      if (found === undefined && type.isError) {
        // A string ends with its line: no further line closes it.
        found = { from, inString: node.parent?.name === "String" };
      }
      return found === undefined;
    },
  });
  return found;
}
