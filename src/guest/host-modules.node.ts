/** Modules of the host, in Node: built-in ones, and packages of the project in the current folder. */
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { HostModules } from "./host-modules.ts";

export const hostModules: HostModules = {
  async load(specifier) {
    return (await import(resolve(specifier))) as Record<string, unknown>;
  },
};

/** What `import()` takes: a bare name means the user's project, not the folder skep lives in. */
function resolve(specifier: string): string {
  if (isAbsolute(specifier)) return pathToFileURL(specifier).href;
  // `node:path`, `file:///…`, `data:…`
  if (/^[a-z][a-z0-9+.-]*:/i.test(specifier)) return specifier;
  const project = createRequire(pathToFileURL(`${process.cwd()}/`));
  const resolved = project.resolve(specifier);
  // A built-in module such as "path" resolves to its own name.
  return isAbsolute(resolved) ? pathToFileURL(resolved).href : resolved;
}
