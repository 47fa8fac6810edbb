/** TypeScript in, JavaScript out; loaded when there is some. */
import { GuestError, SkepError } from "../errors.ts";
import { scan } from "../registry/scanner.ts";
import { codeFrame } from "./code-frame.ts";
import { keepColumns } from "./keep-columns.ts";
import type { SourceTarget } from "./run.ts";

/** The evaluation with types stripped from it and its modules. */
export async function withoutTypes(target: SourceTarget): Promise<SourceTarget> {
  const strip = await loadStripper();
  const isTyped = new Set(target.typescript);
  const stripped = (name: string, text: string): string =>
    isTyped.has(name) ? strip(name, text) : text;
  return {
    ...target,
    source: stripped(target.filename, target.source),
    modules: target.modules.map(([name, text]) => [name, stripped(name, text)]),
    given: target,
  };
}

/** Loads the function that strips types from a text, and keeps its lines and columns. */
export async function loadStripper(): Promise<(file: string, text: string) => string> {
  const { transform } = await loadSucrase();
  return (file, text) => {
    refuseNamespaces(file, text);
    try {
      const { code, sourceMap } = transform(text, {
        transforms: ["typescript"],
        disableESTransforms: true,
        sourceMapOptions: { compiledFilename: file },
        filePath: file,
      });
      return keepColumns(text, code, sourceMap?.mappings ?? "");
    } catch (error) {
      throw strippingError(file, text, error);
    }
  };
}

async function loadSucrase(): Promise<typeof import("sucrase")> {
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

/** Sucrase would leave out namespaces, and what is in them, without a word. */
function refuseNamespaces(file: string, text: string): void {
  const tokens = scan(text);
  for (const [index, { text: word, start }] of tokens.entries()) {
    if (word !== "namespace" && word !== "module") continue;
    if (tokens[index + 1]?.kind !== "word" || tokens[index - 1]?.text === "declare") continue;
    let next = index + 2;
    while (tokens[next]?.text === "." && tokens[next + 1]?.kind === "word") next += 2;
    if (tokens[next]?.text !== "{") continue;
    const before = text.slice(0, start).split("\n");
    throw syntaxError(
      file,
      text,
      "namespaces are not supported: only their types could be left out. Use a module",
      before.length,
      (before.at(-1) ?? "").length,
    );
  }
}

/** What sucrase cannot read is the guest's error, like what the engine cannot read. */
function strippingError(file: string, text: string, error: unknown): SkepError {
  const { message, loc } = error as { message: string; loc?: { line: number; column: number } };
  if (error instanceof RangeError) {
    return new SkepError("invalid-argument", `"${file}" is nested too deeply to strip its types.`);
  }
  const said = message.replace(/^Error transforming .*?: /, "").replace(/ \(\d+:\d+\)$/, "");
  return syntaxError(file, text, said, loc?.line ?? 1, (loc?.column ?? 1) - 1);
}

/** `offset` counts code units from the start of the line. */
function syntaxError(
  file: string,
  text: string,
  message: string,
  line: number,
  offset: number,
): GuestError {
  const before = (text.split("\n")[line - 1] ?? "").slice(0, Math.max(0, offset));
  const location = { file, line, column: Array.from(before).length + 1 };
  const stack = `    at ${file}:${line}:${location.column}\n`;
  return new GuestError({ name: "SyntaxError", message, stack, data: {} }, undefined, {
    location,
    frame: codeFrame(text, location),
  });
}
