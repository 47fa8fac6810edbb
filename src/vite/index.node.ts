/** A plugin for Vite: npm packages as ready dependencies, and what skep needs of a server. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Plugin } from "vite";
import { bundlePackage } from "../dependencies/bundle.node.ts";

/** Options of {@link skep}. */
export interface SkepPluginOptions {
  /**
   * Whether the development and preview servers answer with the headers that let pages share
   * memory with their workers. Default true. What you deploy must send them itself.
   */
  crossOriginIsolation?: boolean | undefined;
}

const SUFFIX = "?skep";
/** By convention other plugins leave modules alone whose names begin so. */
const VIRTUAL = "\0skep:";
/** Behind the specifier, so that nobody takes the module for JSON or a style sheet. */
const AS_SCRIPT = ".js";

const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

// Pre-bundling would move these away from the files that lie beside them, and the packages they
// import would be found late, which reloads the page.
const SERVED_AS_THEY_ARE: readonly string[] = [
  "skep",
  "comlink",
  "@noble/hashes",
  "@jitl/quickjs-ffi-types",
  "@jitl/quickjs-wasmfile-release-sync",
  "@jitl/quickjs-wasmfile-release-asyncify",
];

/** What is loaded when it is first used, which would reload the page if it was found only then. */
const PREPARED: readonly string[] = ["sucrase"];

/**
 * Lets a browser app `import lodash from "lodash-es?skep"` and define that as a dependency; the
 * package is bundled with esbuild, in development and when building. A path to a file of the
 * project works, too: `import rules from "./rules.ts?skep"`.
 */
export function skep(options: SkepPluginOptions = {}): Plugin {
  const headers = options.crossOriginIsolation === false ? {} : ISOLATION;
  let root = process.cwd();
  return {
    name: "skep",
    // Before Vite's own plugins, which would look for a file of that name.
    enforce: "pre",
    config: (config) => ({
      server: { headers: missingIn(config.server?.headers, headers) },
      preview: { headers: missingIn(config.preview?.headers, headers) },
      optimizeDeps: {
        exclude: [...SERVED_AS_THEY_ARE],
        include: PREPARED.filter((name) => isInstalled(name, config.root ?? root)),
      },
      // Workers are built apart, with plugins of their own.
      worker: { plugins: () => [skep(options)] },
    }),
    configResolved(config) {
      root = config.root;
    },
    resolveId(id, importer) {
      if (!id.endsWith(SUFFIX)) return undefined;
      const specifier = id.slice(0, -SUFFIX.length);
      const file = importer?.replace(/[?#].*$/, "");
      const from = file !== undefined && isAbsolute(file) ? dirname(file) : root;
      // Relative to the root, so that builds in different folders are the same.
      const folder = relative(root, from).replaceAll("\\", "/");
      return `${VIRTUAL}${specifier}${AS_SCRIPT}?from=${folder}`;
    },
    async load(id) {
      if (!id.startsWith(VIRTUAL)) return undefined;
      const [named = "", folder = ""] = id.slice(VIRTUAL.length).split(`${AS_SCRIPT}?from=`);
      // In Vite a path that begins with a slash begins at the root, unless it is there as it is.
      const isOfRoot = named.startsWith("/") && !existsSync(named);
      const specifier = isOfRoot ? join(root, named) : named;
      const bundle = await bundlePackage({ specifier, from: join(root, folder), root });
      for (const file of bundle.files) this.addWatchFile(file);
      const code = `export default { ${bundle.kind}: ${JSON.stringify(bundle.source)} };`;
      return { code, map: null };
    },
  };
}

/** What the project does not set itself: `credentialless`, for example, isolates as well. */
function missingIn(own: object | undefined, headers: typeof ISOLATION): Record<string, string> {
  const names = Object.keys(own ?? {}).map((name) => name.toLowerCase());
  const missing = Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase()));
  return Object.fromEntries(missing);
}

function isInstalled(name: string, root: string): boolean {
  try {
    createRequire(join(resolve(root), "package.json")).resolve(name);
    return true;
  } catch {
    return false;
  }
}
