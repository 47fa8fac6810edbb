/** Where an import cannot be met: the engine names what is asked for, but not the place. */
import { scan, type Token } from "../registry/scanner.ts";
import type { SourceLocation } from "../source-location.ts";

/** An import as messages tell of it. */
interface Import {
  module: string;
  /** The export that is asked for; undefined where the module itself is not there. */
  name: string | undefined;
}

const EXPORT =
  /^(?:Could not find )?export '(?<name>[^']{1,200})' in module '(?<module>[^']{1,500})'(?: is ambiguous)?$/;
const MODULE =
  /^(?:There is no module )?"(?<module>[^"]{1,500})"(?:, which| \(that is| is not on the allowlist| in ")/;

/** Finds the import that a message is about among the texts of the occasion, by file name. */
export function importPlace(
  message: string,
  texts: Iterable<readonly [file: string, text: string]>,
): SourceLocation | undefined {
  const wanted = importIn(message);
  if (wanted === undefined) return undefined;
  for (const [file, text] of texts) {
    const tokens = scan(text);
    const start =
      file === wanted.module ? passedOnStart(tokens, wanted.name) : importStart(tokens, wanted);
    if (start === undefined) continue;
    const lines = text.slice(0, start).split("\n");
    return { file, line: lines.length, column: Array.from(lines.at(-1) ?? "").length + 1 };
  }
  return undefined;
}

function importIn(message: string): Import | undefined {
  const groups = (EXPORT.exec(message) ?? MODULE.exec(message))?.groups;
  return groups && { module: groups["module"] ?? "", name: groups["name"] };
}

function importStart(tokens: readonly Token[], { module, name }: Import): number | undefined {
  return name === undefined ? moduleStart(tokens, module) : nameStart(tokens, name, module);
}

/** The offset of the specifier in `from "module"`, `import "module"` or `import("module")`. */
function moduleStart(tokens: readonly Token[], module: string): number | undefined {
  const found = tokens.find((token, index) => {
    if (token.literal !== module) return false;
    const before = tokens[index - 1]?.text;
    return (
      before === "from" ||
      before === "import" ||
      (before === "(" && tokens[index - 2]?.text === "import")
    );
  });
  return found?.start;
}

/** The offset of the name in `import { name } from "module"`, in any of its forms. */
function nameStart(tokens: readonly Token[], name: string, module: string): number | undefined {
  for (const [index, token] of tokens.entries()) {
    if (token.text !== "from") continue;
    const specifier = tokens[index + 1]?.literal;
    // What a path leads to has the same last part, wherever it starts.
    if (specifier === undefined || lastPart(specifier) !== lastPart(module)) continue;
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

/**
 * The offset of the name in `export { a as name } from "module"`: the engine looks for it in the
 * module that passes it on, and names that.
 */
function passedOnStart(tokens: readonly Token[], name: string | undefined): number | undefined {
  const found = tokens.find(({ text }, index) => {
    if (text !== name || ![",", "}"].includes(tokens[index + 1]?.text ?? "")) return false;
    let at = index - 1;
    while (at > 0 && tokens[at]?.text !== "{") at--;
    const close = tokens.findIndex((token, later) => later > index && token.text === "}");
    return tokens[at - 1]?.text === "export" && tokens[close + 1]?.text === "from";
  });
  return found?.start;
}

function lastPart(specifier: string): string | undefined {
  return specifier.split("/").at(-1);
}
