/** Dependencies whose source is got when they are defined: from an npm package, or by URL. */
import { SkepError } from "../errors.ts";
import { isHttpUrl } from "../dependencies/http-url.ts";
import { parseIntegrity } from "../dependencies/integrity-expression.ts";
import { isVersion, packageName } from "../dependencies/package-name.ts";
import type { DependencyDefinition } from "../protocol/control.ts";

/** An npm package, bundled from the project's own node_modules. */
export interface NpmDependency {
  /** A package or a path inside one: `lodash-es`, `date-fns/addDays`. */
  npm: string;
  /** What the installed version must be: `4.17.21`, `4.17`, `4`, `^4.17.0` or `~4.17.0`. */
  version?: string | undefined;
}

/** The text of an ES module, fetched by the host when it is defined. */
export interface UrlDependency {
  /** An absolute http(s) URL. */
  url: string;
  /** Subresource integrity: `sha384-…`. Without it, whoever answers decides what guests run. */
  integrity?: string | undefined;
  /** Default 10 MiB. */
  maxBytes?: number | undefined;
  /** Milliseconds until it must have arrived. Default 30,000. */
  timeoutMs?: number | undefined;
}

/** A dependency that was given by where it is; the part that gets it checks it, too. */
export interface GivenOrder {
  alias: string;
  kind: "ordered";
  fields: ReadonlyMap<string, unknown>;
}

/** A checked dependency that still lacks its source. */
export type DependencyOrder =
  | { alias: string; kind: "npm"; specifier: string; version: string | undefined }
  | {
      alias: string;
      kind: "url";
      url: string;
      integrity: string | undefined;
      maxBytes: number;
      timeoutMs: number;
    }
  | {
      alias: string;
      kind: "text";
      /** `source` and `language`, to be checked. */
      fields: ReadonlyMap<string, unknown>;
    };

const DEFAULT_MAX_BYTES = 10 * 2 ** 20;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Timers of the platforms count milliseconds in 31 bits. */
const MAXIMUM = 2 ** 31 - 1;

/** Checks what was ordered. Throws `invalid-argument`. */
export function checkOrder({ alias, fields }: GivenOrder): DependencyOrder | DependencyDefinition {
  const label = `The dependency "${alias}"`;
  if (fields.has("npm")) return checkNpm(alias, label, fields);
  if (fields.has("language")) return { alias, kind: "text", fields };
  return checkUrl(alias, label, fields);
}

function checkNpm(
  alias: string,
  label: string,
  fields: ReadonlyMap<string, unknown>,
): DependencyOrder {
  checkProperties(label, fields, ["npm", "version"]);
  const specifier = fields.get("npm");
  if (typeof specifier !== "string" || packageName(specifier) === undefined) {
    throw invalid(
      `${label}: npm must name a package or a path inside one, such as lodash-es or ` +
        `date-fns/addDays, not ${display(specifier)}.${adviceFor(specifier)}`,
    );
  }
  const version = fields.get("version");
  if (version !== undefined && (typeof version !== "string" || !isVersion(version))) {
    throw invalid(
      `${label}: version must be a version such as 4.17.21, ^4.17.0, ~4.17.0 or 4, not ` +
        `${display(version)}.`,
    );
  }
  return { alias, kind: "npm", specifier, version };
}

/** What was probably meant. */
function adviceFor(specifier: unknown): string {
  if (typeof specifier !== "string") return "";
  const [, name, version] = /^(@?[^@]+)@(.+)$/.exec(specifier) ?? [];
  if (name !== undefined && packageName(name) !== undefined) {
    return ` A version goes beside it: { npm: "${name}", version: "${version}" }.`;
  }
  return specifier.startsWith("node:")
    ? ` What guests may call of a module of Node is given as { module: "${specifier}", exports: […] }.`
    : "";
}

function checkUrl(
  alias: string,
  label: string,
  fields: ReadonlyMap<string, unknown>,
): DependencyOrder {
  checkProperties(label, fields, ["url", "integrity", "maxBytes", "timeoutMs"]);
  const url = fields.get("url");
  if (typeof url !== "string" || !isHttpUrl(url)) {
    throw invalid(`${label}: url must be an absolute http(s) URL, not ${display(url)}.`);
  }
  const { username, password } = new URL(url);
  if (username + password !== "") {
    throw invalid(`${label}: url must have no user name and no password, which are not sent.`);
  }
  const integrity = fields.get("integrity");
  if (
    integrity !== undefined &&
    (typeof integrity !== "string" || parseIntegrity(integrity) === undefined)
  ) {
    throw invalid(
      `${label}: integrity must be sha256-, sha384- or sha512- and the hash in base64, not ` +
        `${display(integrity)}.`,
    );
  }
  return {
    alias,
    kind: "url",
    url,
    integrity,
    maxBytes: positive(fields.get("maxBytes"), `${label}: maxBytes`, DEFAULT_MAX_BYTES),
    timeoutMs: positive(fields.get("timeoutMs"), `${label}: timeoutMs`, DEFAULT_TIMEOUT_MS),
  };
}

function checkProperties(
  label: string,
  fields: ReadonlyMap<string, unknown>,
  allowed: readonly string[],
): void {
  const unknownKey = [...fields.keys()].find((key) => !allowed.includes(key));
  if (unknownKey === undefined) return;
  throw invalid(
    `${label} has an unknown property "${unknownKey}". With ${allowed[0]} go ` +
      `${allowed.slice(1).join(", ")}.`,
  );
}

function positive(value: unknown, label: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAXIMUM) {
    return value as number;
  }
  throw invalid(`${label} must be a whole number of at least 1, not ${display(value)}.`);
}

function display(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? JSON.stringify(value) : `of type ${typeof value}`;
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
