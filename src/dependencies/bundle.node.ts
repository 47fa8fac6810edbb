/** Bundles npm packages for sandboxes, from a project's own node_modules, with esbuild. */
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import type * as esbuildModule from "esbuild";
import type { BuildFailure, BuildResult, Message, Plugin } from "esbuild";
import { installedVersion } from "./installed.node.ts";
import { packageName, satisfies } from "./package-name.ts";

export interface BundleRequest {
  /** A package, a path inside one, or a file: `lodash-es`, `date-fns/addDays`, `./guest.ts`. */
  specifier: string;
  /** What the installed package's version must be. */
  version?: string | undefined;
  /** The folder from which the specifier is resolved. */
  from: string;
  /** The project's folder; messages name files relative to it. */
  root: string;
  /** Whether to make a source map as well. */
  withMap?: boolean | undefined;
}

export interface Bundle {
  /** What the source is: an ES module, or CommonJS when the package is. */
  kind: "source" | "commonjs";
  source: string;
  /** Absolute paths of the files that went into it. */
  files: string[];
  /** JSON of a source map, where one was asked for. */
  map?: string | undefined;
}

type Esbuild = typeof esbuildModule;
type Built = BuildResult<{ write: false; metafile: true }>;

/**
 * Everything the package needs in one text, without modules of Node. The same files give the same
 * text. Rejects with an Error whose message says why there is none.
 */
export async function bundlePackage(request: BundleRequest): Promise<Bundle> {
  const esbuild = await loadEsbuild();
  await checkInstalled(request);
  let built = await build(esbuild, request, "esm");
  const entry = Object.values(built.metafile.outputs).find(({ entryPoint }) => entryPoint);
  // As an ES module it would have a default export only; as it is, its names are found when it runs.
  const isCommonJs = built.metafile.inputs[entry?.entryPoint ?? ""]?.format === "cjs";
  if (isCommonJs) built = await build(esbuild, request, "cjs");
  // What esbuild makes up is called `(disabled):…` or `<define:…>`.
  const files = Object.keys(built.metafile.inputs).filter((file) => !/^[(<]/.test(file));
  return {
    kind: isCommonJs ? "commonjs" : "source",
    source: output(built, ".js") ?? "",
    files: files.map((file) => resolve(request.root, file)),
    map: output(built, ".js.map"),
  };
}

function output(built: Built, ending: string): string | undefined {
  return built.outputFiles.find(({ path }) => path.endsWith(ending))?.text;
}

async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import("esbuild");
  } catch (error) {
    throw new Error(
      "npm packages are bundled with esbuild, which could not be loaded. " +
        "Run npm install --save-dev esbuild, or pass the code as { source }.",
      { cause: error },
    );
  }
}

async function build(
  esbuild: Esbuild,
  request: BundleRequest,
  format: "esm" | "cjs",
): Promise<Built> {
  try {
    return await esbuild.build({
      entryPoints: [request.specifier],
      absWorkingDir: request.root,
      outdir: request.root,
      bundle: true,
      write: false,
      metafile: true,
      format,
      // A browser is what a sandbox is most like: no modules of Node, `browser` fields count.
      platform: "browser",
      target: "es2023",
      // The engine keeps the text of every function: less of it makes a smaller image.
      minifyWhitespace: true,
      minifySyntax: true,
      charset: "utf8",
      legalComments: "eof",
      // Packages look for their settings there: none is set, as in a browser.
      define: {
        "process.env": "{}",
        "process.env.NODE_ENV": '"production"',
        global: "globalThis",
      },
      sourcemap: request.withMap === true ? "external" : false,
      // What the project's tsconfig.json says is not meant for its packages.
      tsconfigRaw: "{}",
      logLevel: "silent",
      plugins: [entryFrom(request)],
    });
  } catch (error) {
    const messages = (error as Partial<BuildFailure>).errors;
    if (!Array.isArray(messages) || messages.length === 0) throw error;
    throw new Error(describeFailure(request.specifier, messages), { cause: error });
  }
}

/** Resolves the entry as an import in the project would be, not as a file of that name. */
function entryFrom({ specifier, from }: BundleRequest): Plugin {
  return {
    name: "skep",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^/ }, async (args) => {
        if (args.kind !== "entry-point") return undefined;
        const imported = await esbuild.resolve(specifier, {
          kind: "import-statement",
          resolveDir: from,
        });
        if (imported.errors.length === 0) return imported;
        // Some packages are there for CommonJS only.
        const required = await esbuild.resolve(specifier, {
          kind: "require-call",
          resolveDir: from,
        });
        return required.errors.length === 0 ? required : imported;
      });
    },
  };
}

/** Refuses a package that is not there, or is another version than asked for. */
async function checkInstalled({ specifier, version, from, root }: BundleRequest): Promise<void> {
  if (specifier.startsWith("node:")) {
    throw new Error(`"${specifier}" is a module of Node, which no sandbox has.`);
  }
  const name = packageName(specifier);
  if (name === undefined) return;
  const installed = await installedVersion(name, from);
  if (installed === undefined) {
    const builtin = isBuiltin(name) ? ` "${name}" is a module of Node, which no sandbox has.` : "";
    throw new Error(
      `the package "${name}" is not installed in ${root}.${builtin || ` Run npm install ${name}.`}`,
    );
  }
  if (version !== undefined && !satisfies(installed, version)) {
    throw new Error(
      `version ${version} of "${name}" was asked for, but ${installed} is installed. ` +
        `Run npm install ${name}@${version}, or ask for ${installed}.`,
    );
  }
}

function describeFailure(specifier: string, messages: readonly Message[]): string {
  const reasons = messages.map((message) => {
    const { text, location, notes } = message;
    const place =
      location === null ? "" : ` (${location.file}:${location.line}:${location.column + 1})`;
    const missing = /^Could not resolve "(.+)"/.exec(text)?.[1];
    if (missing === undefined) return `${withoutAdvice(text)}${place}`;
    if (missing === specifier && location === null) {
      return packageName(specifier) === undefined
        ? "there is no such file"
        : "its package.json names no file for that, for browsers at least, or one that is not there";
    }
    if (location !== null && isBuiltin(missing)) {
      return `${location.file}:${location.line} imports "${missing}", a module of Node, which no sandbox has`;
    }
    const note = notes.find(({ text }) => /not exported|not found/.test(text))?.text;
    return `${text}${place}${note === undefined ? "" : `: ${note.replace(/[:.]$/, "")}`}`;
  });
  // A package that uses Node uses it in many places, and the first few tell it all.
  const shown = [...new Set(reasons)].slice(0, 3).join("; ");
  const more = reasons.length > 3 ? `; and ${reasons.length - 3} more` : "";
  return `"${specifier}" cannot be bundled for a sandbox: ${shown}${more}.`;
}

/** esbuild says what of its settings might help, which nobody here can reach. */
function withoutAdvice(text: string): string {
  const file = /^No loader is configured for "[^"]*" files: (.+)$/.exec(text)?.[1];
  return file === undefined ? text : `${file} is neither JavaScript nor JSON or text`;
}
