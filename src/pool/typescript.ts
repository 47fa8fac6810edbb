/** TypeScript in, JavaScript out; loaded when there is some. */
import type * as sucrase from "sucrase";
import { SkepError } from "../errors.ts";
import { scan, type Token } from "../registry/scanner.ts";
import { endStatements } from "./end-statements.ts";
import { keepColumns } from "./keep-columns.ts";
import type { SourceTarget } from "./run.ts";
import { syntaxError } from "./syntax-error.ts";

/** The evaluation with types stripped from those of its texts that are called so. */
export async function withoutTypes(
  target: SourceTarget,
  isTyped: ReadonlySet<string>,
): Promise<SourceTarget> {
  const strip = await loadStripper();
  const stripped = (name: string, text: string): string =>
    isTyped.has(name) ? strip(name, text) : text;
  return {
    ...target,
    source: stripped(target.filename, target.source),
    modules: target.modules.map(([name, text]) => [name, stripped(name, text)]),
    given: target.given ?? target,
  };
}

/** What stands around a text, on lines of its own, while it is read. */
export interface Surroundings {
  before: string;
  after: string;
}

/** The text without its types. Throws a `SyntaxError` of the guest's for what cannot be read. */
export type Strip = (file: string, text: string, around?: Surroundings) => string;

/** Loads the function that strips types from a text, and keeps its lines and columns. */
export async function loadStripper(): Promise<Strip> {
  const { transform } = await loadSucrase();
  function stripped(file: string, text: string, around: Surroundings | undefined): string {
    const whole = around === undefined ? text : `${around.before}\n${text}\n${around.after}`;
    const { code, sourceMap } = transform(whole, {
      transforms: ["typescript"],
      disableESTransforms: true,
      sourceMapOptions: { compiledFilename: file },
      filePath: file,
    });
    const kept = endStatements(whole, keepColumns(whole, code, sourceMap?.mappings ?? ""));
    return around === undefined ? kept : kept.split("\n").slice(1, -1).join("\n");
  }
  return (file, text, around) => {
    const tokens = scan(text);
    refuseUnsupported(file, text, tokens);
    const filler = unusedCharacter(text);
    const filled = fillTemplates(text, tokens, filler);
    const linesBefore = around === undefined ? 0 : 1;
    try {
      return stripped(file, filled, around).replaceAll(filler, "");
    } catch (error) {
      if (error instanceof RangeError || filled === text) {
        throw strippingError(file, text, error, linesBefore);
      }
    }
    try {
      // The places of errors are right in the text itself only.
      return stripped(file, text, around);
    } catch (error) {
      throw strippingError(file, text, error, linesBefore);
    }
  };
}

/** Sucrase's source maps lose their way where a template has nothing before or after a `${}`. */
function fillTemplates(text: string, tokens: readonly Token[], filler: string): string {
  let filled = "";
  let done = 0;
  for (const token of tokens) {
    if (token.kind !== "template" || !EMPTY_TEMPLATES.has(token.text)) continue;
    filled += text.slice(done, token.start + 1) + filler;
    done = token.start + 1;
  }
  return filled + text.slice(done);
}

const EMPTY_TEMPLATES: ReadonlySet<string> = /*#__PURE__*/ new Set(["``", "`${", "}${", "}`"]);

/** From the range that no standard gives a meaning to. */
function unusedCharacter(text: string): string {
  let code = 0xe000;
  while (text.includes(String.fromCharCode(code))) code++;
  return String.fromCharCode(code);
}

async function loadSucrase(): Promise<typeof sucrase> {
  try {
    return await import("sucrase");
  } catch (cause) {
    throw new SkepError(
      "unsupported-environment",
      "Types are stripped from TypeScript with sucrase, which could not be loaded. " +
        'Run npm install sucrase, or pass JavaScript without language: "ts".',
      { cause },
    );
  }
}

/** What sucrase would leave out, or leave to the engine, without a word that helps. */
function refuseUnsupported(file: string, text: string, tokens: readonly Token[]): void {
  for (const [index, token] of tokens.entries()) {
    const message = isNamespace(tokens, index)
      ? "namespaces are not supported: only their types could be left out. Use a module"
      : token.text === "@" && token.kind === "sign"
        ? "decorators are not supported: they are not types, and the engine has none"
        : undefined;
    if (message === undefined) continue;
    const before = text.slice(0, token.start).split("\n");
    throw syntaxError(file, text, message, before.length, (before.at(-1) ?? "").length);
  }
}

function isNamespace(tokens: readonly Token[], index: number): boolean {
  const word = tokens[index]?.text;
  if (word !== "namespace" && word !== "module") return false;
  if (tokens[index + 1]?.kind !== "word" || tokens[index - 1]?.text === "declare") return false;
  let next = index + 2;
  while (tokens[next]?.text === "." && tokens[next + 1]?.kind === "word") next += 2;
  return tokens[next]?.text === "{";
}

/** What sucrase cannot read is the guest's error, like what the engine cannot read. */
function strippingError(
  file: string,
  text: string,
  error: unknown,
  linesBefore: number,
): SkepError {
  const { message, loc } = error as { message: string; loc?: { line: number; column: number } };
  if (error instanceof RangeError) {
    return new SkepError("invalid-argument", `"${file}" is nested too deeply to strip its types.`);
  }
  const said = message.replace(/^Error transforming .*?: /, "").replace(/ \(\d+:\d+\)$/, "");
  const advice = /<\/|\/>/.test(text) ? ". JSX is not supported" : "";
  const line = (loc?.line ?? 1) - linesBefore;
  const lines = text.split("\n");
  // It was missed only in what stands behind the text.
  if (line > lines.length) {
    return syntaxError(file, text, said + advice, lines.length, (lines.at(-1) ?? "").length);
  }
  return syntaxError(file, text, said + advice, Math.max(1, line), (loc?.column ?? 1) - 1);
}
