/** From a function, or its text, to an expression that a sandbox can evaluate. */
import { SkepError } from "../errors.ts";
import { closingIndex, scan, type Token } from "./scanner.ts";
import { sha1 } from "./sha1.ts";

/** What is known about a function from its text alone. */
export interface FunctionSource {
  /**
   * An expression that evaluates to the function. The function's text starts on its second line
   * and keeps its columns, so that positions are those of the text, one line further down.
   */
  source: string;
  /** The text itself, with normalized line ends. */
  text: string;
  /** The text of each parameter, defaults and patterns included. */
  parameters: string[];
  firstParameter: string | null;
  /** The index of a parameter literally named `context`. */
  contextIndex: number | undefined;
  /** SHA-1, in hexadecimal, of the text with normalized line ends and trimmed. */
  hash: string;
  /** The scanned text, for whoever looks for more in it. */
  tokens: readonly Token[];
}

/** The parts of a function's text, as token indexes. */
interface Shape {
  kind: "expression" | "method";
  isAsync: boolean;
  /** The parenthesis around the parameters, or the one parameter of `x => x`. */
  parametersFrom: number;
  parametersTo: number;
}

const NATIVE_BODY = /\{\s*\[native code\]\s*\}\s*$/;
const ACCEPTED =
  "Pass a function declaration, a function expression, an arrow function or a method, or its source text.";

/**
 * Describes a function given as a value or as source text.
 *
 * @throws SkepError `invalid-argument` for what cannot be rebuilt from its text (native and bound
 * functions, accessors) or is not supported (classes, generator functions).
 */
export function describeFunction(name: string, value: unknown): FunctionSource {
  const text = normalizeLineEnds(textOf(name, value));
  const tokens = scan(text);
  const { shape, tokens: inner } = unwrap(name, tokens);
  const parameters = parametersOf(text, inner, shape);
  const contextIndex = parameters.findIndex((parameter) => /^context\s*(=|$)/.test(parameter));
  return {
    source: expressionOf(name, text, inner, shape),
    text,
    parameters,
    firstParameter: parameters[0] ?? null,
    contextIndex: contextIndex < 0 ? undefined : contextIndex,
    hash: hashSource(text),
    tokens,
  };
}

/** SHA-1, in hexadecimal, of a source with normalized line ends and trimmed. */
export function hashSource(source: string): string {
  return sha1(normalizeLineEnds(source).trim());
}

function normalizeLineEnds(source: string): string {
  return source.replace(/\r\n?/g, "\n");
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "function" && typeof value !== "string") {
    throw refusal(name, `is ${describeKind(value)}`, ACCEPTED);
  }
  // Not value.toString(): that may be anything.
  const text = typeof value === "string" ? value : Function.prototype.toString.call(value);
  if (NATIVE_BODY.test(text)) {
    throw refusal(
      name,
      "is native or bound, so it has no source text",
      "Wrap it: (...args) => theFunction(...args), with what it needs inside the sandbox.",
    );
  }
  if (text.trim() === "") throw refusal(name, "is empty", ACCEPTED);
  return text;
}

function describeKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return value === undefined ? "undefined" : `of type ${typeof value}`;
}

/** Looks through parentheses around the whole: `(function () {})`. */
function unwrap(name: string, all: readonly Token[]): { shape: Shape; tokens: readonly Token[] } {
  let tokens = withoutSemicolons(all);
  for (;;) {
    const close = tokens[0]?.text === "(" ? closingIndex(tokens, 0) : undefined;
    if (close === undefined || close !== tokens.length - 1) break;
    tokens = withoutSemicolons(tokens.slice(1, -1));
  }
  return { shape: shapeOf(name, tokens), tokens };
}

function withoutSemicolons(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length;
  while (end > 0 && tokens[end - 1]?.text === ";") end--;
  return tokens.slice(0, end);
}

function shapeOf(name: string, tokens: readonly Token[]): Shape {
  const textAt = (index: number): string => tokens[index]?.text ?? "";
  if (textAt(0) === "class") {
    throw refusal(name, "is a class", "Define a function that creates the instance and uses it.");
  }
  // `async => 1` has a parameter of that name, `async() {}` may be a method of that name.
  const isAsync = textAt(0) === "async" && textAt(1) !== "=>" && textAt(1) !== "(";
  let at = isAsync ? 1 : 0;

  if (textAt(at) === "function" && tokens[at]?.kind === "word") {
    at++;
    if (textAt(at) === "*") throw generatorRefusal(name);
    if (tokens[at]?.kind === "word") at++;
    return withBody(name, tokens, at, { kind: "expression", isAsync });
  }
  if (textAt(at) === "*") throw generatorRefusal(name);
  if (/^[gs]et$/.test(textAt(at)) && !["(", "=>", ""].includes(textAt(at + 1))) {
    throw refusal(name, "is a getter or setter", "Define a function that returns the value.");
  }
  if (tokens[at]?.kind === "word" && textAt(at + 1) === "=>") {
    return { kind: "expression", isAsync, parametersFrom: at, parametersTo: at };
  }
  if (textAt(at) === "(") return arrowAt(name, tokens, at, isAsync);

  const keyEnd = methodKeyEnd(tokens, at);
  if (keyEnd === undefined) throw unrecognized(name);
  const close = closingIndex(tokens, keyEnd);
  if (textAt(0) === "async" && close !== undefined && textAt(close + 1) === "=>") {
    return arrowAt(name, tokens, keyEnd, true);
  }
  return withBody(name, tokens, keyEnd, { kind: "method", isAsync });
}

function arrowAt(name: string, tokens: readonly Token[], at: number, isAsync: boolean): Shape {
  const close = closingIndex(tokens, at);
  const kind = "expression";
  if (close === undefined) return { kind, isAsync, ...unclosed(at) };
  if (tokens[close + 1]?.text !== "=>") throw unrecognized(name);
  return { kind, isAsync, parametersFrom: at, parametersTo: close };
}

/** The index right after a method's name. */
function methodKeyEnd(tokens: readonly Token[], at: number): number | undefined {
  const key = tokens[at];
  if (key === undefined) return undefined;
  if (key.text === "[") {
    const close = closingIndex(tokens, at);
    return close === undefined ? undefined : close + 1;
  }
  return key.kind === "sign" || key.kind === "template" || key.kind === "regex"
    ? undefined
    : at + 1;
}

/** Parameters and a body in braces must follow, and nothing else. */
function withBody(
  name: string,
  tokens: readonly Token[],
  at: number,
  found: Pick<Shape, "kind" | "isAsync">,
): Shape {
  if (tokens[at]?.text !== "(") throw unrecognized(name);
  const close = closingIndex(tokens, at);
  if (close === undefined) return { ...found, ...unclosed(at) };
  if (tokens[close + 1]?.text !== "{") throw unrecognized(name);
  const bodyEnd = closingIndex(tokens, close + 1);
  if (bodyEnd !== undefined && bodyEnd !== tokens.length - 1) {
    throw refusal(name, "is followed by more code", "Its source text must be one function alone.");
  }
  return { ...found, parametersFrom: at, parametersTo: close };
}

/** Parameters that do not end: the engine says better than this what is wrong, and where. */
function unclosed(at: number): Pick<Shape, "parametersFrom" | "parametersTo"> {
  return { parametersFrom: at, parametersTo: at };
}

function parametersOf(text: string, tokens: readonly Token[], shape: Shape): string[] {
  const { parametersFrom, parametersTo } = shape;
  if (parametersFrom === parametersTo) return [tokens[parametersFrom]?.text ?? ""];
  const parameters: string[] = [];
  let first: Token | undefined;
  let last: Token | undefined;
  let depth = 0;
  function finish(): void {
    if (first !== undefined && last !== undefined)
      parameters.push(text.slice(first.start, last.end));
    first = undefined;
  }
  for (const token of tokens.slice(parametersFrom + 1, parametersTo)) {
    if (token.kind === "sign") {
      if ("([{".includes(token.text)) depth++;
      if (")]}".includes(token.text)) depth--;
      if (token.text === "," && depth === 0) {
        finish();
        continue;
      }
    }
    first ??= token;
    last = token;
  }
  finish();
  return parameters;
}

function expressionOf(name: string, text: string, tokens: readonly Token[], shape: Shape): string {
  const end = tokens.at(-1)?.end ?? text.length;
  if (shape.kind === "method") {
    // The name it is registered under replaces the method's own: that may be computed from
    // variables the sandbox does not have, or private.
    const start = tokens[shape.parametersFrom]?.start ?? 0;
    const method = methodHead(
      blank(text.slice(0, start)),
      `${shape.isAsync ? "async " : ""}${name}`,
    );
    return `({\n${method}${text.slice(start, end)} }).${name}`;
  }
  const start = tokens[0]?.start ?? 0;
  // The last line break ends a comment that the text may end with.
  return `(\n${blank(text.slice(0, start))}${text.slice(start, end)}\n)`;
}

/** The head in the place of the method's own, unless it is longer. */
function methodHead(room: string, head: string): string {
  const lineStart = room.lastIndexOf("\n") + 1;
  return room.slice(0, Math.max(lineStart, room.length - head.length)) + head;
}

/** As many lines and columns of nothing. */
function blank(text: string): string {
  return text.replace(/[^\n]/gu, " ");
}

function refusal(name: string, what: string, advice: string): SkepError {
  return new SkepError("invalid-argument", `Function "${name}" ${what}. ${advice}`);
}

function generatorRefusal(name: string): SkepError {
  return refusal(
    name,
    "is a generator function, and its values cannot leave the sandbox one at a time",
    "Define a function that returns them in an array.",
  );
}

function unrecognized(name: string): SkepError {
  return refusal(name, "is not a function that can be read from its text", ACCEPTED);
}
