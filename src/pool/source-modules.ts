/** Virtual modules, import maps and TypeScript of evaluations; loaded for the first that has them. */
import { loadPart } from "../load-part.ts";
import {
  entryPath,
  isModulePath,
  modulePath,
  shadowedDependency,
} from "../protocol/module-paths.ts";
import { META_MODULE } from "../protocol/source-files.ts";
import type { SourceOptions, SourceTarget } from "./run.ts";
import { CONTROL_CHARACTER, invalid, type IsDependency } from "./source-target.ts";

/** The target with its modules, checked, under normalized names and without types. */
export async function addModules(
  target: SourceTarget,
  given: Pick<SourceOptions, "language" | "modules" | "imports">,
  isDependency: IsDependency,
): Promise<SourceTarget> {
  const { filename } = target;
  const modules = checkModules(filename, given.modules, isDependency);
  const complete = { ...target, modules, imports: checkImports(given.imports, isDependency) };
  const evaluated = modules.some(isJson) ? await withoutJson(complete) : complete;
  const isTypeScript = given.language === "ts";
  const typed = modules.map(([name]) => name).filter((name) => isTyped(name, isTypeScript));
  if (isTypeScript) typed.push(filename);
  if (typed.length === 0) return evaluated;
  const { withoutTypes } = await loadPart("TypeScript", () => import("./typescript.ts"));
  return withoutTypes(evaluated, new Set(typed));
}

function isTyped(name: string, isTypeScript: boolean): boolean {
  return isTypeScript ? !/\.(?:[cm]?js|jsx|json)$/.test(name) : /\.(?:[cm]?ts|tsx)$/.test(name);
}

function isJson([name]: readonly [name: string, source: string]): boolean {
  return name.endsWith(".json");
}

async function withoutJson(target: SourceTarget): Promise<SourceTarget> {
  const { jsonModule } = await loadPart("JSON modules", () => import("./json-module.ts"));
  return {
    ...target,
    modules: target.modules.map(([name, text]) => [
      name,
      isJson([name, text]) ? jsonModule(name, text) : text,
    ]),
    given: target,
  };
}

function checkModules(
  filename: string,
  given: unknown,
  isDependency: IsDependency,
): [name: string, source: string][] {
  const modules = table("modules", given);
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
  return modules;
}

/** The rules of HTML: exact names, or prefixes that end with a slash and stand for such. */
function checkImports(
  given: unknown,
  isDependency: IsDependency,
): [name: string, target: string][] {
  return table("imports", given).map(([name, meaning]) => {
    if (isDependency(name)) {
      throw invalid(`imports: "${name}" is a dependency of this pool, which it would hide.`);
    }
    if (typeof meaning !== "string" || meaning === "" || CONTROL_CHARACTER.test(meaning)) {
      throw invalid(`imports["${name}"] must be the name of a module.`);
    }
    const target = normalized("imports", meaning);
    if (name.endsWith("/") && !target.endsWith("/")) {
      throw invalid(
        `imports: "${name}" ends with a slash, so "${meaning}" must end with one, too.`,
      );
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
    if (name === META_MODULE) throw invalid(`${label}: "${name}" is the library's own.`);
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
