/**
 * `import.meta`, which the engine leaves to its host, and gives it no chance to fill in: so modules
 * that ask for it import a module of ours. The engine asks what that name means at a time when the
 * importing module exists and has not run.
 */
import { moduleUrl } from "../protocol/module-paths.ts";
import { META_MODULE } from "../protocol/source-files.ts";
import { EvalFlag, type Sandbox } from "./sandbox.ts";

/** The import goes on a line of its own at the end, where it moves nothing. */
export function withMeta(source: string): string {
  return source.includes("meta") ? `${source}\nimport "${META_MODULE}";` : source;
}

/** Fills in `import.meta` of the module that the engine calls `engineName`, whose place is `name`. */
export function fillMeta(sandbox: Sandbox, engineName: string, name: string): void {
  // A second module of the same name is never found by it, but finds the first one's import.meta.
  const source = `import.meta.url = ${JSON.stringify(moduleUrl(name))};`;
  sandbox.free(sandbox.evaluate(source, engineName, EvalFlag.module).value);
}
