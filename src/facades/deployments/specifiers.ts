/** Which modules a source text imports, and the text with other names for them. */
import { scan, type Token } from "../../registry/scanner.ts";

export type ModuleFormat = "module" | "commonjs";

/** Where a text names a module. */
export interface ImportSite {
  specifier: string;
  /** `require` calls get CommonJS, whatever else there is. */
  isRequire: boolean;
}

/**
 * What a text without a telling name is, as Node decides it: an ES module when it has `import` or
 * `export` at the top level, else CommonJS.
 */
export function formatOf(text: string): ModuleFormat {
  const tokens = scan(text);
  let depth = 0;
  for (const [index, { kind, text: word }] of tokens.entries()) {
    if (kind === "sign") {
      if ("{([".includes(word)) depth++;
      else if ("})]".includes(word)) depth--;
    }
    if (kind !== "word" || isMember(tokens, index)) continue;
    const next = tokens[index + 1]?.text;
    if (word === "import" && next === "." && tokens[index + 2]?.text === "meta") return "module";
    if (depth > 0 || next === "(" || next === "." || next === ":") continue;
    if (word === "import" || word === "export") return "module";
  }
  return "commonjs";
}

/** The text, with the name that `rename` gives for each import whose name is written out. */
export function renameImports(text: string, rename: (site: ImportSite) => string): string {
  const tokens = scan(text);
  let renamed = "";
  let done = 0;
  for (const [index, token] of tokens.entries()) {
    const { literal, start, end } = token;
    if (literal === undefined) continue;
    const isRequire = isCalled(tokens, index, "require");
    if (!isRequire && !isImported(tokens, index)) continue;
    const name = rename({ specifier: literal, isRequire });
    if (name === literal) continue;
    renamed += text.slice(done, start) + JSON.stringify(name);
    done = end;
  }
  return renamed + text.slice(done);
}

function isImported(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  if (before?.kind === "word" && tokens[index]?.kind === "string") {
    if (before.text === "from") return !isMember(tokens, index - 1);
    if (before.text === "import") return !isMember(tokens, index - 1);
  }
  return isCalled(tokens, index, "import");
}

/** Whether the token is all of the first argument of a call of this function. */
function isCalled(tokens: readonly Token[], index: number, name: string): boolean {
  const callee = tokens[index - 2];
  return (
    tokens[index - 1]?.text === "(" &&
    [")", ","].includes(tokens[index + 1]?.text ?? "") &&
    callee?.kind === "word" &&
    callee.text === name &&
    !isMember(tokens, index - 2) &&
    tokens[index - 3]?.text !== "function"
  );
}

function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]?.text;
  return before === "." || before === "?.";
}
