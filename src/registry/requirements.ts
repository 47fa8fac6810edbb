/** Which dependencies and constants a function names, as far as its text shows. */
import type { Token } from "./scanner.ts";

export interface Requirements {
  /** Aliases of dependencies, sorted. */
  dependencies: string[];
  /** Names of constants, sorted. */
  constants: string[];
}

/**
 * Finds `wpc_import("x")`, `wpc_import({ alias: "x" })`, `import("x")`, `wpc_constant("X")`,
 * `context.dependencies.x` and `context.constants.X`, with any quotes and never inside comments or
 * strings. Names that are computed are found when the function runs, not here.
 */
export function findRequirements(tokens: readonly Token[]): Requirements {
  const dependencies = new Set<string>();
  const constants = new Set<string>();
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== "word") continue;
    if (token.text === "wpc_import") add(dependencies, argument(tokens, at) ?? alias(tokens, at));
    if (token.text === "wpc_constant") add(constants, argument(tokens, at));
    if (token.text === "import" && !isProperty(tokens, at)) add(dependencies, argument(tokens, at));
    if (token.text === "context" && !isProperty(tokens, at)) {
      const table = member(tokens, at);
      if (table?.name === "dependencies") add(dependencies, member(tokens, table.end)?.name);
      if (table?.name === "constants") add(constants, member(tokens, table.end)?.name);
    }
  }
  return { dependencies: [...dependencies].sort(), constants: [...constants].sort() };
}

function add(names: Set<string>, name: string | undefined): void {
  if (name !== undefined) names.add(name);
}

/** The one literal argument of the call at `at`: `f("x")`. */
function argument(tokens: readonly Token[], at: number): string | undefined {
  if (tokens[at + 1]?.text !== "(") return undefined;
  const after = tokens[at + 3]?.text;
  return after === ")" || after === "," ? tokens[at + 2]?.literal : undefined;
}

/** The literal `alias` of the call at `at`: `f({ alias: "x" })`. */
function alias(tokens: readonly Token[], at: number): string | undefined {
  if (tokens[at + 1]?.text !== "(" || tokens[at + 2]?.text !== "{") return undefined;
  const key = tokens[at + 3];
  if ((key?.literal ?? key?.text) !== "alias" || tokens[at + 4]?.text !== ":") return undefined;
  const after = tokens[at + 6]?.text;
  return after === "}" || after === "," ? tokens[at + 5]?.literal : undefined;
}

/** The property read off the value at `at`: `.name`, `?.name`, `["name"]`, `?.["name"]`. */
function member(tokens: readonly Token[], at: number): { name: string; end: number } | undefined {
  const sign = tokens[at + 1]?.text;
  if (sign === "." || sign === "?.") {
    const name = tokens[at + 2];
    if (name?.kind === "word") return { name: name.text, end: at + 2 };
    return sign === "?." ? bracketed(tokens, at + 2) : undefined;
  }
  return bracketed(tokens, at + 1);
}

function bracketed(
  tokens: readonly Token[],
  at: number,
): { name: string; end: number } | undefined {
  const name = tokens[at]?.text === "[" ? tokens[at + 1]?.literal : undefined;
  return name === undefined || tokens[at + 2]?.text !== "]" ? undefined : { name, end: at + 2 };
}

function isProperty(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text;
  return before === "." || before === "?.";
}
