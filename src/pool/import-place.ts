/** Where an export is asked for that does not exist: the engine names it, but not the place. */
import { scan, type Token } from "../registry/scanner.ts";
import type { SourceLocation } from "../source-location.ts";

/** Finds the import that an engine's message is about among the texts of a run, by file name. */
export function importPlace(
  message: string,
  texts: Iterable<readonly [file: string, text: string]>,
): SourceLocation | undefined {
  const found = /^Could not find export '([^']{1,200})' in module '([^']{1,500})'$/.exec(message);
  if (found === null) return undefined;
  const [, name = "", module = ""] = found;
  for (const [file, text] of texts) {
    const start = importStart(scan(text), name, lastPart(module));
    if (start === undefined) continue;
    const lines = text.slice(0, start).split("\n");
    return { file, line: lines.length, column: Array.from(lines.at(-1) ?? "").length + 1 };
  }
  return undefined;
}

/** The offset of the name in `import { name } from "module"`, in any of its forms. */
function importStart(
  tokens: readonly Token[],
  name: string,
  module: string | undefined,
): number | undefined {
  for (const [index, token] of tokens.entries()) {
    if (token.text !== "from" || lastPart(tokens[index + 1]?.literal) !== module) continue;
    for (let at = index - 1; at >= 0; at--) {
      const { text, start } = tokens[at] ?? { text: "import", start: 0 };
      if (text === "import" || text === "export") {
        const isDefault = name === "default" && tokens[at + 1]?.kind === "word";
        if (isDefault && text === "import") return tokens[at + 1]?.start;
        break;
      }
      // What follows `as` is a name of the importer's own.
      if (text === name && tokens[at - 1]?.text !== "as") return start;
    }
  }
  return undefined;
}

function lastPart(specifier: string | undefined): string | undefined {
  return specifier?.split("/").at(-1);
}
