/** A function's text in TypeScript, which is no program: what stands around it makes it one. */
import { functionFile } from "../protocol/source-files.ts";
import type { PreparedFunction } from "../registry/definitions.ts";
import { closingIndex, scan, type Token } from "../registry/scanner.ts";
import { prepareTypedFunction } from "../registry/source-text.ts";
import { loadStripper, type Surroundings } from "./typescript.ts";

/** Checks a function whose text has types, and takes them out. */
export async function stripFunction(name: string, text: string): Promise<PreparedFunction> {
  const strip = await loadStripper();
  const tokens = scan(text);
  const end = endOfFunction(tokens);
  // With blanks for what is left out, so that positions stay.
  const alone = text.slice(0, end) + text.slice(end).replace(/;/g, " ");
  return prepareTypedFunction(name, strip(functionFile(name), alone, surroundings(tokens)), text);
}

/** Where semicolons begin that end the text: they cannot stand in an expression. */
function endOfFunction(tokens: readonly Token[]): number {
  return tokens.findLast(({ text }) => text !== ";")?.end ?? 0;
}

/**
 * A declaration can stand alone, with its overloads, and so may what is no function at all; an
 * expression or a method cannot.
 */
function surroundings(tokens: readonly Token[]): Surroundings | undefined {
  const at = tokens[0]?.text === "async" ? 1 : 0;
  const head = tokens[at]?.text ?? "";
  if (head === "function") return tokens[at + 1]?.kind === "word" ? undefined : EXPRESSION;
  const isParameter = [tokens[1], tokens[at + 1]].some((token) => token?.text === "=>");
  if (isParameter || head === "(" || head === "<") return EXPRESSION;
  const keyEnd = head === "[" ? (closingIndex(tokens, at) ?? at) + 1 : at + 1;
  const isMethod = ["(", "<"].includes(tokens[keyEnd]?.text ?? "");
  return isMethod || ["*", "get", "set"].includes(head) ? METHOD : undefined;
}

const EXPRESSION: Surroundings = { before: "(", after: ")" };
const METHOD: Surroundings = { before: "({", after: "})" };
