/** From the files of a bundle to the dependencies of a pool: what its scripts load, and no more. */
import { modulePath } from "../../protocol/module-paths.ts";
import { packageName } from "../../dependencies/package-name.ts";
import { invalid } from "../../pool/option-checks.ts";
import type { DependencyInput } from "../../registry/definitions.ts";
import { type Bundle, parseJson } from "./bundle.ts";
import { formatOf, type ImportSite, type ModuleFormat, renameImports } from "./specifiers.ts";

/** An npm package that the bundle's code imports and its package.json names. */
export interface PackageUse {
  specifier: string;
  /** What package.json says. */
  version: string;
  /** The dependency's alias. Packages that are required have one of their own. */
  alias: string;
  format: ModuleFormat;
}

/** What a pool must have for the scripts of a bundle to load. */
export interface PlannedModules {
  /** The bundle's own files, by place. */
  dependencies: Record<string, DependencyInput>;
  packages: PackageUse[];
  /** What each file is, by place. */
  formats: ReadonlyMap<string, ModuleFormat>;
}

export interface PlanOptions {
  /** Strips types; there when a file has some. */
  strip?: ((file: string, text: string) => string) | undefined;
  /** Dependencies that the deployment was given beside its files. */
  isGiven(this: void, alias: string): boolean;
}

const EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".json"];

/** Whether a bundle has TypeScript among its scripts' files. */
export function hasTypes({ files, scripts }: Bundle): boolean {
  return scripts.some(({ language }) => language === "ts") || [...files.keys()].some(isTypeScript);
}

/** Follows the imports of the scripts. Throws `invalid-argument` for what cannot be found. */
export function planModules(bundle: Bundle, options: PlanOptions): PlannedModules {
  const { files, scripts } = bundle;
  const dependencies: Record<string, DependencyInput> = {};
  const packages = new Map<string, PackageUse>();
  const formats = new Map<string, ModuleFormat>();
  const allowed = packagesOf(files);
  const languages = new Map(scripts.map(({ path, language }) => [path, language]));
  const waiting = scripts.map(({ path }) => path);

  const known = new Map<string, { text: string; format: ModuleFormat }>();

  /** The file without types, and what it is. */
  function read(path: string): { text: string; format: ModuleFormat } {
    const file = known.get(path) ?? readAnew(path);
    known.set(path, file);
    return file;
  }

  function readAnew(path: string): { text: string; format: ModuleFormat } {
    let text = files.get(path) ?? "";
    const isTyped =
      isTypeScript(path) || (languages.get(path) === "ts" && !/\.[cm]?js$/.test(path));
    if (isTyped && options.strip !== undefined) text = options.strip(path, text);
    text = text.replace(/^#!.*/, "");
    return { text, format: declaredFormat(files, path) ?? formatOf(text) };
  }

  function renamed(path: string, { specifier, isRequire }: ImportSite): string {
    if (/^\.{1,2}(\/|$)/.test(specifier)) {
      const found = findFile(files, path, specifier);
      if (found === undefined) {
        throw invalid(`"${specifier}", which ${path} imports, is not in the bundle.`);
      }
      waiting.push(found);
      if (isRequire && !found.endsWith(".json") && read(found).format === "module") {
        throw invalid(
          `${path} requires "${specifier}", which is an ES module. Use await import("${specifier}").`,
        );
      }
      return found;
    }
    if (options.isGiven(specifier)) return specifier;
    const use = packageUse(allowed, path, specifier, isRequire ? "commonjs" : "module");
    packages.set(use.alias, use);
    return use.alias;
  }

  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (formats.has(path)) continue;
    if (path.endsWith(".json")) {
      formats.set(path, "commonjs");
      const text = JSON.stringify(JSON.stringify(parseJson(path, files.get(path) ?? "")));
      dependencies[path] = { commonjs: `module.exports = JSON.parse(${text});` };
      continue;
    }
    const place = path;
    const { text, format } = read(path);
    formats.set(path, format);
    const source = renameImports(text, (site) =>
      site.isRequire && format === "module" ? site.specifier : renamed(place, site),
    );
    dependencies[path] = format === "module" ? { source } : { commonjs: source };
  }
  return { dependencies, packages: [...packages.values()], formats };
}

function packageUse(
  allowed: ReadonlyMap<string, string>,
  path: string,
  specifier: string,
  format: ModuleFormat,
): PackageUse {
  const name = packageName(specifier);
  const version = name === undefined ? undefined : allowed.get(name);
  if (version === undefined) {
    throw invalid(
      `"${specifier}", which ${path} imports, is not among the dependencies of the bundle's ` +
        "package.json. Modules of Node cannot be imported.",
    );
  }
  const alias = format === "commonjs" ? `require:${specifier}` : specifier;
  return { specifier, version, alias, format };
}

function packagesOf(files: ReadonlyMap<string, string>): Map<string, string> {
  const text = files.get("./package.json");
  if (text === undefined) return new Map();
  const { dependencies } = record(parseJson("./package.json", text));
  return new Map(
    Object.entries(record(dependencies)).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}

/** What the name of a file, or the package.json nearest to it, says it is. */
function declaredFormat(
  files: ReadonlyMap<string, string>,
  path: string,
): ModuleFormat | undefined {
  if (/\.m[jt]s$/.test(path)) return "module";
  if (/\.c[jt]s$/.test(path)) return "commonjs";
  for (let folder = path; folder !== ".";) {
    folder = folder.slice(0, folder.lastIndexOf("/"));
    const text = files.get(`${folder}/package.json`);
    if (text === undefined) continue;
    const { type } = record(parseJson(`${folder}/package.json`, text));
    return type === "module" || type === "commonjs" ? type : undefined;
  }
  return undefined;
}

/** The file an import means: itself, with an extension, as a folder, or `.ts` called `.js`. */
export function findFile(
  files: Pick<ReadonlyMap<string, string>, "has">,
  from: string,
  specifier: string,
): string | undefined {
  const place = modulePath(from, specifier)?.replace(/\/$/, "");
  if (place === undefined) return undefined;
  return [
    place,
    place.replace(/\.([cm]?)js$/, ".$1ts"),
    ...EXTENSIONS.map((extension) => place + extension),
    ...EXTENSIONS.map((extension) => `${place}/index${extension}`),
  ].find((candidate) => files.has(candidate));
}

function isTypeScript(path: string): boolean {
  return /\.[cm]?ts$/.test(path);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
