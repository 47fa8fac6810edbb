/**
 * The modules of one evaluation: its own text and the virtual modules it brought along. What an
 * import means is decided here, without a file system: by place, by exact name, or by the import
 * map, as in HTML. Names that mean none of them are left to the allowlist of dependencies.
 */
import { entryPath, isModulePath, modulePath } from "../protocol/module-paths.ts";
import type { RunSourceMessage } from "../protocol/messages.ts";
import { META_MODULE } from "../protocol/source-files.ts";
import { withMeta } from "./import-meta.ts";
import { RUN_MARK } from "./marshal/stack-text.ts";

export type Resolution = { name: string } | { refusal: string };

export interface VirtualModulesOptions {
  target: Pick<RunSourceMessage, "kind" | "filename" | "source" | "modules" | "imports">;
  /** Sets this evaluation's modules apart from another's, where several share a sandbox. */
  runId: number | undefined;
  isDependency(this: void, name: string): boolean;
}

export class VirtualModules {
  /** What the engine shall call the evaluation itself. */
  readonly entryName: string;
  readonly #options: VirtualModulesOptions;
  readonly #entryPath: string;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #imports: ReadonlyMap<string, string>;
  readonly #mark: string;

  constructor(options: VirtualModulesOptions) {
    const { target, runId, isDependency } = options;
    this.#options = options;
    this.#entryPath = entryPath(target.filename);
    this.#sources = new Map(target.modules);
    this.#imports = new Map(target.imports);
    this.#mark = runId === undefined ? "" : `${RUN_MARK}${runId}`;
    // The engine knows modules by name alone, and the dependency of that name was there first.
    const isTaken = this.#mark === "" && isDependency(target.filename);
    this.entryName = target.filename + (isTaken ? `${RUN_MARK}0` : this.#mark);
  }

  /** Whether there is anything to import besides the evaluation itself. */
  get hasMore(): boolean {
    return this.#sources.size + this.#imports.size > 0;
  }

  get entrySource(): string {
    const { kind, source } = this.#options.target;
    return kind === "module" ? withMeta(source) : source;
  }

  /** A virtual module that has a dependency's name. */
  get conflict(): string | undefined {
    return [...this.#sources.keys()].find((name) => this.#options.isDependency(name));
  }

  /** Whether the engine calls one of these modules by this name. */
  owns(engineName: string): boolean {
    return this.#nameOf(engineName) !== undefined;
  }

  /** Source text for the engine; undefined for what is none of these modules. */
  source(engineName: string): string | undefined {
    if (engineName === META_MODULE) return "";
    const source = this.#sources.get(this.#nameOf(engineName) ?? "");
    return source === undefined ? undefined : withMeta(source);
  }

  /** The name of the module that the engine calls by this one. */
  placeOf(engineName: string): string {
    return this.#nameOf(engineName) ?? this.#entryPath;
  }

  /** What an import in the module `engineName` means; undefined when it is none of these modules. */
  resolve(engineName: string, specifier: string): Resolution | undefined {
    if (specifier === META_MODULE) return { name: META_MODULE };
    const importer = this.placeOf(engineName);
    const sibling = siblingOf(importer, specifier);
    if (sibling !== undefined && this.#sources.has(sibling)) return { name: sibling + this.#mark };
    const path = isModulePath(specifier)
      ? modulePath(importer.startsWith("./") ? importer : "./", specifier)
      : specifier;
    if (path === undefined) {
      return { refusal: `"${specifier}" in "${importer}" leads out of the run's modules.` };
    }
    const name = this.#mapped(path);
    if (this.#sources.has(name)) return { name: name + this.#mark };
    if (name === this.#entryPath && this.#options.target.kind === "module")
      return { name: this.entryName };
    if (!isModulePath(name)) {
      if (name === specifier) return undefined;
      if (this.#options.isDependency(name)) return { name };
    }
    if (this.#options.isDependency(specifier)) return undefined;
    const meaning = name === specifier ? "" : ` (that is "${name}")`;
    return {
      refusal:
        `There is no module "${specifier}"${meaning}, which "${importer}" imports. ` +
        this.#advice(),
    };
  }

  #advice(): string {
    const names = [...this.#sources.keys()].sort();
    if (names.length === 0) return "Pass it under modules, or define it as a dependency.";
    const more = names.length > LISTED_NAMES ? `, and ${names.length - LISTED_NAMES} more` : "";
    return `The run brought ${names.slice(0, LISTED_NAMES).join(", ")}${more}.`;
  }

  /** Through the import map: the exact name, else the longest prefix that ends with a slash. */
  #mapped(name: string): string {
    const exact = this.#imports.get(name);
    if (exact !== undefined) return exact;
    if (this.#sources.has(name) || this.#options.isDependency(name)) return name;
    let best = "";
    for (const prefix of this.#imports.keys()) {
      if (prefix.endsWith("/") && name.startsWith(prefix) && prefix.length > best.length)
        best = prefix;
    }
    if (best === "") return name;
    const target = (this.#imports.get(best) ?? "") + name.slice(best.length);
    return isModulePath(target) ? (modulePath("./", target) ?? target) : target;
  }

  #nameOf(engineName: string): string | undefined {
    if (engineName === this.entryName) return this.#entryPath;
    if (!engineName.endsWith(this.#mark)) return undefined;
    const name = engineName.slice(0, engineName.length - this.#mark.length);
    return this.#sources.has(name) ? name : undefined;
  }
}

const LISTED_NAMES = 8;

/** What is beside a module that has a name rather than a place: `@own/b.js` seen from `@own/a.js`. */
function siblingOf(importer: string, specifier: string): string | undefined {
  if (importer.startsWith("./") || !specifier.startsWith(".")) return undefined;
  const origin = /^[a-z][a-z\d+.-]*:\/\/[^/]*/i.exec(importer)?.[0] ?? "";
  const path = modulePath(`./${importer.slice(origin.length)}`, specifier);
  return path === undefined ? undefined : origin + path.slice(origin === "" ? 2 : 1);
}
