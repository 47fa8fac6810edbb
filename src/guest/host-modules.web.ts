/** Modules of the host, in a browser: what the page's origin policy lets a worker import. */
import { SkepError } from "../errors.ts";
import type { HostModules } from "./host-modules.ts";

export const hostModules: HostModules = {
  async load(specifier) {
    if (/^https?:\/\//i.test(specifier)) {
      // Bundlers must leave the specifier alone: it is only known when the program runs.
      return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as Record<
        string,
        unknown
      >;
    }
    const what = specifier.startsWith("node:")
      ? `"${specifier}" is a module of Node and not available in a browser`
      : `"${specifier}" cannot be resolved in a browser`;
    throw new SkepError(
      "missing-dependency",
      `${what}. Pass the dependency's code as { source } instead, bundled if it has imports, ` +
        "or name an absolute http(s) URL.",
    );
  },
};
