/** Modules of the host, in Node: built-in ones, and packages of the project in the current folder. */
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { HostModules } from "./host-modules.ts";

export const hostModules: HostModules = {
  async load(specifier) {
    try {
      return (await import(resolve(specifier))) as Record<string, unknown>;
    } catch (error) {
      throw new Error(failureOf(specifier, error), { cause: error });
    }
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

function failureOf(specifier: string, error: unknown): string {
  const failure = `The module "${specifier}" could not be loaded`;
  if (!(error instanceof Error)) return `${failure}: ${String(error)}`;
  const { code, permission, resource } = error as {
    code?: unknown;
    permission?: unknown;
    resource?: unknown;
  };
  if (code === "MODULE_NOT_FOUND") {
    return `Cannot find module '${specifier}' in the node_modules that ${process.cwd()} sees.`;
  }
  if (code === "ERR_ACCESS_DENIED") {
    const what = [permission, resource].filter((part) => typeof part === "string").join(" of ");
    return `${failure}: ${error.message} (${what}). Name what host modules may read in childProcess({ read }).`;
  }
  // Which file asked for it is of nobody's interest: it was this one.
  const [message = ""] = error.message.split(" imported from ");
  return `${failure}: ${message}`;
}
