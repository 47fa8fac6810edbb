/** What `eval()` and `execute({ eval })` are given, as a run's target. */
import { SkepError } from "../errors.ts";
import { loadPart } from "../load-part.ts";
import type { Payload } from "../protocol/payload.ts";
import { encodeArguments } from "../protocol/values/inbound.ts";
import type { SourceOptions, SourceTarget } from "./run.ts";

/** Whether the pool has a dependency of that alias. */
export type IsDependency = (this: void, name: string) => boolean;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const CONTROL_CHARACTER: RegExp = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Frames of such files are the library's, and left out of stack traces. */
const OWN_NAME = /^skep:(?!\/\/\/)/;

const NONE: readonly [] = [];

/** Throws, or rejects with, `invalid-argument`; rejects with what is wrong with TypeScript. */
export function sourceTarget(
  source: string,
  options: SourceOptions,
  isDependency: IsDependency,
): SourceTarget | Promise<SourceTarget> {
  const { type: kind = "script", language = "js", modules, imports, globals } = options;
  if (typeof source !== "string") throw invalid("What eval() runs must be source text.");
  if (kind !== "script" && kind !== "module") throw invalid('type must be "script" or "module".');
  if (language !== "js" && language !== "ts") throw invalid('language must be "js" or "ts".');
  const filename = filenameOf(options);
  if (typeof filename !== "string" || CONTROL_CHARACTER.test(filename) || OWN_NAME.test(filename)) {
    throw invalid(
      "filename must be a string without control characters, and not begin with skep:.",
    );
  }
  const target: SourceTarget = {
    type: "source",
    kind,
    filename,
    source,
    modules: NONE,
    imports: NONE,
    globals: globals === undefined ? undefined : encodeGlobals(globals),
  };
  if (language === "js" && modules === undefined && imports === undefined) return target;
  // Now, because what the caller changes afterwards is too late.
  const given = { language, modules: copy(modules), imports: copy(imports) };
  return withModules(target, given, isDependency);
}

/** A source of that name in which there is nothing. */
export function emptySource(options: SourceOptions): SourceTarget {
  const filename = filenameOf(options);
  return { type: "source", kind: "script", filename, source: "", modules: NONE, imports: NONE };
}

/** Names and their values. Throws `not-marshallable`. */
function encodeGlobals(globals: unknown): Payload {
  if (typeof globals !== "object" || globals === null || Array.isArray(globals)) {
    throw invalid("globals must be an object: the names of the globals and their values.");
  }
  const names = Object.keys(globals);
  return encodeArguments([
    names,
    ...names.map((name) => (globals as Record<string, unknown>)[name]),
  ]);
}

function filenameOf({ filename, type, language = "js" }: SourceOptions): string {
  return filename ?? `${type === "module" ? "module" : "eval"}.${language}`;
}

/** Most evaluations need nothing of this. */
async function withModules(
  target: SourceTarget,
  given: Pick<SourceOptions, "language" | "modules" | "imports">,
  isDependency: IsDependency,
): Promise<SourceTarget> {
  const { addModules } = await loadPart(
    "evaluations with modules or TypeScript",
    () => import("./source-modules.ts"),
  );
  return addModules(target, given, isDependency);
}

function copy<Value>(value: Value): Value {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : value;
}

export function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
