/** What is deployed: text files by place, as in a folder, and what their configuration says. */
import { modulePath } from "../../protocol/module-paths.ts";
import { display, invalid } from "../../pool/option-checks.ts";

/** Source text by path: `{ "metacall.json": "…", "src/add.js": "…" }`. */
export type BundleFiles = Readonly<Record<string, string>>;

/** What the content of a `metacall.json` says. */
export interface MetaCallConfiguration {
  /** `node`, `js` or `ts`. */
  language_id: string;
  /** The folder of the scripts, seen from the configuration. Default `.`. */
  path?: string | undefined;
  scripts: readonly string[];
}

/** A script whose exports can be called. */
export interface Script {
  /** Its place in the bundle, such as `./src/add.js`. */
  path: string;
  /** As the configuration calls it. */
  language: string;
}

export interface BundleLimits {
  maxFiles: number;
  maxBytes: number;
}

/** A bundle that was checked: files by normalized place, such as `./src/add.js`. */
export interface Bundle {
  files: ReadonlyMap<string, string>;
  scripts: readonly Script[];
}

const LANGUAGES = ["node", "js", "ts"];
const CONFIGURATION = /(?:^|\/)metacall(?:-[^/]+)?\.json$/;

/**
 * Checks what is to be deployed. `configurations` come beside those among the files. Throws
 * `invalid-argument`.
 */
export function checkBundle(given: unknown, configurations: unknown, limits: BundleLimits): Bundle {
  const files = checkFiles(given, limits);
  const scripts = new Map<string, Script>();
  function add(label: string, folder: string, configuration: unknown): void {
    for (const script of scriptsOf(label, folder, configuration)) {
      if (!files.has(script.path)) {
        throw invalid(`${label} names the script "${script.path}", which is not in the bundle.`);
      }
      if (!scripts.has(script.path)) scripts.set(script.path, script);
    }
  }
  if (configurations !== undefined && !Array.isArray(configurations)) {
    throw invalid("jsons must be a list of configurations.");
  }
  for (const [index, configuration] of ((configurations ?? []) as unknown[]).entries()) {
    add(`jsons[${index}]`, "./", configuration);
  }
  for (const [path, text] of files) {
    if (!CONFIGURATION.test(path)) continue;
    add(path, path, parseJson(path, text));
  }
  if (scripts.size === 0) {
    throw invalid(
      "The bundle says nothing about what to load. Add a metacall.json: " +
        '{ "language_id": "node", "path": ".", "scripts": ["index.js"] }.',
    );
  }
  return { files, scripts: [...scripts.values()] };
}

/** Parses a file of JSON. Throws `invalid-argument` with its name. */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw invalid(`${path} is not JSON: ${(error as Error).message}`);
  }
}

function checkFiles(given: unknown, { maxFiles, maxBytes }: BundleLimits): Map<string, string> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalid("files must be an object with a text per path.");
  }
  const entries = Object.entries(given);
  if (entries.length > maxFiles) {
    throw invalid(`The bundle has ${entries.length} files; ${maxFiles} are allowed.`);
  }
  const files = new Map<string, string>();
  let bytes = 0;
  for (const [name, text] of entries) {
    const path = placeOf(name);
    if (path === undefined) throw invalid(`${JSON.stringify(name)} is no place in a bundle.`);
    if (typeof text !== "string") throw invalid(`files["${name}"] must be text.`);
    if (files.has(path)) throw invalid(`files: "${path}" is there twice.`);
    bytes += text.length;
    if (bytes > maxBytes) throw invalid(`The bundle is larger than ${maxBytes} bytes.`);
    files.set(path, text);
  }
  return files;
}

function scriptsOf(label: string, base: string, configuration: unknown): Script[] {
  if (typeof configuration !== "object" || configuration === null) {
    throw invalid(`${label} must be an object with language_id and scripts.`);
  }
  // Files say what they like: only what they say themselves counts.
  function own(key: keyof MetaCallConfiguration): unknown {
    return Object.hasOwn(configuration as object, key)
      ? (configuration as Record<string, unknown>)[key]
      : undefined;
  }
  const language = own("language_id");
  if (typeof language !== "string" || !LANGUAGES.includes(language)) {
    throw invalid(
      `${label}: language_id is ${display(language)}, and this runs ${LANGUAGES.join(", ")} only.`,
    );
  }
  const folder = own("path") ?? ".";
  if (typeof folder !== "string") throw invalid(`${label}: path must be a folder.`);
  const scripts = own("scripts");
  if (!Array.isArray(scripts) || scripts.length === 0) {
    throw invalid(`${label}: scripts must be a list of files.`);
  }
  return scripts.map((script: unknown) => {
    const path =
      typeof script === "string" && script !== ""
        ? placeFrom(base, `${folder.replace(/\/+$/, "")}/${script}`)
        : undefined;
    if (path === undefined) {
      throw invalid(`${label}: ${JSON.stringify(script) ?? "undefined"} is no file of the bundle.`);
    }
    return { path, language };
  });
}

/** The place a path means; undefined when it leads out of the bundle, or is none. */
function placeOf(path: string): string | undefined {
  return placeFrom("./", path);
}

function placeFrom(base: string, path: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\\]|^\/|^[a-z]+:/i.test(path)) return undefined;
  const place = modulePath(base, path);
  return place === undefined || place === "./" || place.endsWith("/") ? undefined : place;
}
