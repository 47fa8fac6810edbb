/** From a file, or standard input, to something a pool can evaluate. */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { modulePath } from "../protocol/module-paths.ts";
import { findFile } from "../facades/deployments/modules.ts";
import { formatOf, type ImportSite, renameImports } from "../facades/deployments/specifiers.ts";
import type { Execution } from "../pool/run.ts";
import { scan } from "../registry/scanner.ts";
import { DiskFiles } from "./disk-files.node.ts";
import { UsageError } from "./usage-error.ts";

export interface Program {
  execution: Extract<Execution, { eval: string }>;
  /**
   * What of the outcome is the result: all of it, or an export. Throws {@link UsageError} when the
   * program has no such function as was to be called.
   */
  resultOf(this: void, value: unknown): unknown;
}

export interface ProgramOptions {
  /** A path; `-` is standard input. */
  file: string;
  /** The function to call. */
  fn: string | undefined;
  args: readonly unknown[];
  /** Whether the text has types, where its name does not say so. */
  isTypeScript: boolean;
}

/** What the module that calls a function is called: none of the program's own. */
const CALLER = "skep-run.js";
const RESULT = "result";
const IS_THERE = "isThere";

/** Reads a program. Throws {@link UsageError} when it is not there. */
export function readProgram({ file, fn, args, isTypeScript }: ProgramOptions): Program {
  const isStdin = file === "-";
  const filename = isStdin ? `stdin.${isTypeScript ? "ts" : "js"}` : basename(file);
  const text = readText(isStdin ? 0 : file, file).replace(/^#!.*/, "");
  function resultOf(told: { [RESULT]?: unknown; [IS_THERE]?: unknown }): unknown {
    if (fn === undefined || told[IS_THERE] === true) return told[RESULT];
    throw new UsageError(`${filename} has no function ${JSON.stringify(fn)}.`);
  }
  const language = isTypeScript || /\.[cm]?ts$/.test(filename) ? "ts" : "js";
  const isModule = /\.m[jt]s$/.test(filename) || formatOf(text) === "module";
  const isCommonJs = /\.c[jt]s$/.test(filename) || (!isModule && usesExports(text));
  if (!isModule && !isCommonJs) {
    return {
      execution: { eval: text + scriptCall(fn, args), type: "script", filename, language },
      resultOf: fn === undefined ? (value) => value : (value) => resultOf(value as object),
    };
  }
  const disk = new DiskFiles(isStdin ? "." : dirname(file));
  const entry = `./${filename}`;
  const modules = modulesFrom(entry, text, disk, isCommonJs);
  const exports = `program${isCommonJs ? ".default" : ""}`;
  const caller = `import * as program from ${JSON.stringify(entry)};
${fn === undefined ? dataSource(exports) : callSource(fn, args)}`;
  return {
    execution: { eval: caller, type: "module", filename: CALLER, language: "js", modules },
    resultOf: (value) => resultOf(value as object),
  };
}

/** In the guest: a call of a function of the script, as its completion value. */
function scriptCall(fn: string | undefined, args: readonly unknown[]): string {
  if (fn === undefined) return "";
  const name = identifier(fn);
  const called = `{ ${IS_THERE}: true, ${RESULT}: await ${name}(...${literal(args)}) }`;
  return `\n;typeof ${name} === "function" ? ${called} : {}`;
}

/** In the guest: a call of an export, or of a property of a default export. */
function callSource(fn: string, args: readonly unknown[]): string {
  return `const name = ${JSON.stringify(fn)};
const found = [program, program.default].find((exports) =>
  exports !== null && exports !== undefined && Object.hasOwn(exports, name));
export const ${IS_THERE} = found !== undefined && typeof found[name] === "function";
export const ${RESULT} = ${IS_THERE} ? await found[name](...${literal(args)}) : undefined;`;
}

/** In the guest: the default export, or all exports, without the functions, which cannot leave. */
function dataSource(exports: string): string {
  return `const dataOf = (exports) => {
  if (typeof exports !== "object" || exports === null) return exports;
  if (Object.hasOwn(exports, "default") && typeof exports.default !== "function") return exports.default;
  const data = Object.entries(exports).filter(([, value]) => typeof value !== "function");
  return data.length > 0 ? Object.fromEntries(data) : undefined;
};
export const ${RESULT} = dataOf(${exports});`;
}

/** The entry and what it imports from beside it, as ES modules. */
function modulesFrom(
  entry: string,
  text: string,
  disk: DiskFiles,
  isEntryCommonJs: boolean,
): Record<string, string> {
  const textAt = (place: string): string => (place === entry ? text : (disk.get(place) ?? ""));
  const files = { has: (place: string): boolean => place === entry || disk.has(place) };
  const isCommonJs = (place: string): boolean =>
    place === entry ? isEntryCommonJs : looksLikeCommonJs(place, textAt(place));
  const modules: Record<string, string> = {};
  const waiting = [entry];

  /** What an import means: a place, or the name of a package. */
  function imported(importer: string, specifier: string): string {
    if (!/^\.{1,2}(\/|$)/.test(specifier)) return specifier;
    const place = findFile(files, importer, specifier);
    if (place === undefined) {
      const isOutside = modulePath(importer, specifier) === undefined;
      const why = isOutside ? "leads out of the program's folder" : "is not there";
      throw new UsageError(`"${specifier}", which ${importer} imports, ${why}.`);
    }
    waiting.push(place);
    return place.slice(1);
  }

  /** An expression for what `require` gives, once the module is imported as `name`. */
  function required(specifier: string, name: string): string {
    if (!specifier.startsWith("/")) return `(${name}.default ?? ${name})`;
    const place = `.${specifier}`;
    return place.endsWith(".json") || isCommonJs(place) ? `${name}.default` : name;
  }

  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (Object.hasOwn(modules, place)) continue;
    const importer = place;
    const source = textAt(place);
    const rename = ({ specifier }: ImportSite): string => imported(importer, specifier);
    if (place.endsWith(".json")) modules[place] = source;
    else if (isCommonJs(place)) modules[place] = commonJsAsModule(source, rename, required);
    else modules[place] = renameImports(source, rename);
  }
  return modules;
}

/** A CommonJS text as an ES module: what it requires by a written name is imported before it runs. */
function commonJsAsModule(
  text: string,
  rename: (site: ImportSite) => string,
  required: (specifier: string, name: string) => string,
): string {
  const specifiers = new Set<string>();
  const source = renameImports(text, (site) => {
    const specifier = rename(site);
    if (site.isRequire) specifiers.add(specifier);
    return specifier;
  });
  const imports = [...specifiers].map((specifier, at) => {
    return `import * as required${at} from ${JSON.stringify(specifier)};`;
  });
  const cases = [...specifiers].map((specifier, at) => {
    return `case ${JSON.stringify(specifier)}: return ${required(specifier, `required${at}`)};`;
  });
  // Before the text is nothing but its own first line, so that positions are those of the text.
  return `const module = { exports: {} }, exports = module.exports; ${source}
export default module.exports;
${imports.join("\n")}
function require(name) {
  switch (name) { ${cases.join(" ")} }
  throw new ReferenceError("require(" + JSON.stringify(name) + "): there is no such module.");
}`;
}

function looksLikeCommonJs(place: string, text: string): boolean {
  if (/\.c[jt]s$/.test(place)) return true;
  return !/\.m[jt]s$/.test(place) && formatOf(text) === "commonjs";
}

/** Whether a text that could be a script has what only CommonJS has. */
function usesExports(text: string): boolean {
  const tokens = scan(text);
  return tokens.some(({ kind, text: word }, at) => {
    if (kind !== "word" || tokens[at - 1]?.text === ".") return false;
    const next = tokens[at + 1]?.text;
    if (word === "module") return next === "." && tokens[at + 2]?.text === "exports";
    return (word === "exports" && next === ".") || (word === "require" && next === "(");
  });
}

function literal(args: readonly unknown[]): string {
  return `JSON.parse(${JSON.stringify(JSON.stringify(args))})`;
}

function identifier(name: string): string {
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) return name;
  throw new UsageError(`--fn must be the name of a function, not ${JSON.stringify(name)}.`);
}

function readText(source: string | 0, path: string): string {
  const name = source === 0 ? "Standard input" : path;
  let bytes: Buffer;
  try {
    bytes = readFileSync(source);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new UsageError(`${name} cannot be read (${code}).`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${name} is not UTF-8.`);
  }
}
