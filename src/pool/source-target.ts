/** What `eval()` and `execute({ eval })` are given, checked and with module names normalized. */
import { SkepError } from "../errors.ts";
import {
  entryPath,
  isModulePath,
  modulePath,
  shadowedDependency,
} from "../protocol/module-paths.ts";
import type { SourceOptions, SourceTarget } from "./run.ts";

/** Whether the pool has a dependency of that alias. */
export type IsDependency = (this: void, name: string) => boolean;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Throws `invalid-argument`. */
export function sourceTarget(
  source: string,
  options: SourceOptions,
  isDependency: IsDependency,
): SourceTarget {
  const { type: kind = "script", language = "js" } = options;
  if (typeof source !== "string") throw invalid("What eval() runs must be source text.");
  if (kind !== "script" && kind !== "module") throw invalid('type must be "script" or "module".');
  if (language !== "js" && language !== "ts") throw invalid('language must be "js" or "ts".');
  const filename = options.filename ?? `${kind === "module" ? "module" : "eval"}.${language}`;
  if (typeof filename !== "string" || CONTROL_CHARACTER.test(filename)) {
    throw invalid("filename must be a string without control characters.");
  }
  const modules = table("modules", options.modules);
  for (const [name, text] of modules) {
    if (typeof text !== "string") throw invalid(`modules["${name}"] must be source text.`);
    if (name.endsWith("/")) throw invalid(`modules: "${name}" is a folder, not a module.`);
    if (isDependency(name)) throw invalid(shadowedDependency(name));
    if (name === entryPath(filename)) {
      throw invalid(
        `modules: "${name}" is what imports call the evaluation itself, "${filename}".`,
      );
    }
  }
  const typed = modules.filter(([name]) =>
    language === "ts" ? !/\.[cm]?js$/.test(name) : /\.[cm]?ts$/.test(name),
  );
  return {
    type: "source",
    kind,
    filename,
    source,
    modules,
    imports: importMap(options.imports, isDependency),
    typescript: [...(language === "ts" ? [filename] : []), ...typed.map(([name]) => name)],
  };
}

/** The rules of HTML: exact names, or prefixes that end with a slash and stand for such. */
function importMap(imports: unknown, isDependency: IsDependency): [string, string][] {
  return table("imports", imports).map(([name, given]) => {
    if (isDependency(name)) {
      throw invalid(`imports: "${name}" is a dependency of this pool, which it would hide.`);
    }
    if (typeof given !== "string" || given === "" || CONTROL_CHARACTER.test(given)) {
      throw invalid(`imports["${name}"] must be the name of a module.`);
    }
    const target = normalized("imports", given);
    if (name.endsWith("/") && !target.endsWith("/")) {
      throw invalid(`imports: "${name}" ends with a slash, so "${given}" must end with one, too.`);
    }
    return [name, target];
  });
}

/** The entries of an object, by normalized name. */
function table(label: string, value: unknown): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${label} must be an object with a property per module.`);
  }
  const entries = new Map<string, string>();
  for (const [given, item] of Object.entries(value as Record<string, string>)) {
    if (given === "" || CONTROL_CHARACTER.test(given)) {
      throw invalid(`${label}: ${JSON.stringify(given)} cannot name a module.`);
    }
    const name = normalized(label, given);
    if (entries.has(name)) throw invalid(`${label}: "${name}" is there twice.`);
    entries.set(name, item);
  }
  return [...entries];
}

function normalized(label: string, name: string): string {
  if (!isModulePath(name)) return name;
  const path = modulePath("./", name);
  if (path === undefined) throw invalid(`${label}: "${name}" leads out of the root.`);
  return path;
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
