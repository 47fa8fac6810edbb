/**
 * What `import` and `require` give while a template is built. Dependencies may use each other in any
 * order and across the two kinds of modules: what is not there yet is evaluated when it is asked for.
 */
import { META_MODULE } from "../protocol/source-files.ts";
import type { Address } from "./engine.ts";
import { dropFirstLine } from "./first-line.ts";
import { fillMeta, withMeta } from "./import-meta.ts";
import type { Inventory } from "./inventory.ts";
import { commonjsModule, contentModule } from "./module-source.ts";
import type { Resolution } from "./virtual-modules.ts";
import { type Completion, EvalFlag, type ModuleSource, type Sandbox } from "./sandbox.ts";

export interface TemplateModulesOptions {
  sandbox: Sandbox;
  inventory: Inventory;
  /** Evaluates a CommonJS dependency, or tells what it was evaluated to, and makes its module up. */
  loadCommonjs(this: void, alias: string): Completion;
}

export class TemplateModules {
  readonly #options: TemplateModulesOptions;
  /** Sources of modules the host makes up for CommonJS and host modules, by alias. */
  readonly #madeUp = new Map<string, string>();
  /**
   * The ES modules that the engine was given for each evaluation that goes on, the innermost last.
   * The engine has no defined state for modules that are half linked when they are asked for again.
   */
  readonly #loading: Set<string>[] = [];

  constructor(options: TemplateModulesOptions) {
    this.#options = options;
  }

  /** Makes a module up for content that exists. */
  makeUp(alias: string, names: readonly string[], main?: string): void {
    this.#madeUp.set(alias, contentModule(alias, names, main));
  }

  /** An evaluation begins, and with it all that it imports. */
  begin(): void {
    this.#loading.push(new Set());
  }

  /** The innermost evaluation is over. */
  end(): void {
    this.#loading.pop();
  }

  /** The hook for what the engine loads. */
  source(name: string): ModuleSource {
    if (name === META_MODULE) return "";
    const { inventory, loadCommonjs } = this.#options;
    if (!this.#madeUp.has(name) && inventory.commonjsSource(name) !== undefined) {
      const loaded = loadCommonjs(name);
      if (loaded.threw) return { thrown: loaded.value };
    }
    const source = inventory.moduleSource(name);
    if (source !== undefined) this.#loading.at(-1)?.add(name);
    return this.#madeUp.get(name) ?? (source === undefined ? undefined : withMeta(source));
  }

  /** The hook for what an import means. */
  resolve(base: string, name: string): Resolution {
    if (name === META_MODULE) {
      fillMeta(this.#options.sandbox, base, base);
      return { name };
    }
    if (!this.#isLoading(name, this.#loading.slice(0, -1))) {
      return this.#options.inventory.resolveModule(name);
    }
    return { refusal: `"${name}" cannot be imported here. ${CYCLE}` };
  }

  /**
   * What `require` gives for what has not been evaluated: the function around a CommonJS source, or
   * a module that has the namespace of an ES module as its `value`; or an exception.
   */
  required(alias: string): Address {
    const { sandbox, inventory } = this.#options;
    const source = inventory.commonjsSource(alias);
    if (source === undefined && inventory.hasDependency(alias)) return this.#requiredModule(alias);
    if (source === undefined) return refuseRequire(sandbox, alias);
    const body = sandbox.evaluate(commonjsModule(source), alias, EvalFlag.script);
    if (body.threw) return rethrow(sandbox, body.value);
    dropFirstLine(sandbox, body.value);
    return body.value;
  }

  #requiredModule(alias: string): Address {
    const { sandbox } = this.#options;
    if (this.#isLoading(alias, this.#loading)) {
      return sandbox.throwError("ReferenceError", `require("${alias}"): ${CYCLE}`);
    }
    const source = `export * as value from ${JSON.stringify(alias)};`;
    this.begin();
    const made = sandbox.evaluate(source, `skep:require:${alias}`, EvalFlag.module);
    this.end();
    if (made.threw) return rethrow(sandbox, made.value);
    if (sandbox.promise(made.value) === undefined) return made.value;
    return sandbox.throwError(
      "TypeError",
      `require("${alias}"): it awaits at its top level, which require cannot wait for. Use await import("${alias}").`,
    );
  }

  #isLoading(name: string, loading: readonly ReadonlySet<string>[]): boolean {
    return loading.some((names) => names.has(name));
  }
}

const CYCLE =
  "It is being loaded itself at this moment: between ES modules and CommonJS there can be no cycles.";

/** What `require` throws for what is not on the allowlist, with the code that packages look for. */
export function refuseRequire(sandbox: Sandbox, alias: string): Address {
  const message = `require("${alias}"): "${alias}" is not on the allowlist of dependencies. Define it with the pool before requiring it.`;
  return sandbox.throwError("Error", message, "MODULE_NOT_FOUND");
}

function rethrow(sandbox: Sandbox, thrown: Address): Address {
  return sandbox.instance.exports.QTS_Throw(sandbox.anchors.context, thrown);
}
