/** Options that commands share, and how they become options of pools. */
import { readFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { nearestName } from "../registry/names.ts";
import type { PoolOptions } from "../pool/options.ts";
import { parseCount, parseDuration, parseSize } from "./quantities.ts";
import { UsageError } from "./usage-error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The values of options that were parsed: a text, a list of texts, or whether it is there. */
export interface Parsed {
  values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  positionals: string[];
}

/** What bounds guest code, in every command that runs some. */
export const POOL_FLAGS: Options = {
  timeout: { type: "string" },
  cpu: { type: "string" },
  memory: { type: "string" },
  workers: { type: "string" },
  environment: { type: "string" },
  "allow-fetch": { type: "string", multiple: true },
};

export const POOL_HELP = `  --timeout <duration>    time a call may take, waiting included   (default 30s)
  --cpu <duration>        time a call may compute                  (default: no limit)
  --memory <size>         memory of a sandbox                      (default 64mb)
  --allow-fetch <origin>  an origin that fetch may reach; may be repeated
  --environment <name>    worker-threads, child-process or in-thread`;

/** Parses a command's arguments. Throws {@link UsageError}, with the option that was meant. */
export function parse(command: string, args: readonly string[], options: Options): Parsed {
  const all = { ...options, help: { type: "boolean", short: "h" } } as const satisfies Options;
  try {
    return parseArgs({ args: [...args], options: all, allowPositionals: true, strict: true });
  } catch (error) {
    const unknown = /Unknown option '(--?[^']*)'/.exec((error as Error).message)?.[1];
    if (unknown === undefined) throw new UsageError((error as Error).message.split(". ")[0] ?? "");
    const nearest = nearestName(unknown.replace(/^--?/, ""), Object.keys(all));
    const hint =
      nearest === undefined ? `See skep ${command} --help.` : `Did you mean --${nearest}?`;
    throw new UsageError(`skep ${command} has no option ${unknown}. ${hint}`);
  }
}

/** The text of an option; undefined when it is not there. Throws {@link UsageError} when empty. */
export function textOf({ values }: Parsed, option: string): string | undefined {
  const value = values[option];
  if (value === "") throw new UsageError(`--${option} is empty.`);
  return typeof value === "string" ? value : undefined;
}

/** The texts of an option that may be repeated. */
export function textsOf({ values }: Parsed, option: string): string[] {
  const value = values[option];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function isSet({ values }: Parsed, option: string): boolean {
  return values[option] === true;
}

/** What the shared options say about a pool. */
export function poolOptions(
  parsed: Parsed,
): Pick<PoolOptions, "limits" | "workers" | "environment" | "fetch"> {
  function given<Value>(
    option: string,
    parser: (option: string, text: string) => Value,
  ): Value | undefined {
    const text = textOf(parsed, option);
    return text === undefined ? undefined : parser(`--${option}`, text);
  }
  const limits = {
    timeoutMs: given("timeout", parseDuration),
    cpuMs: given("cpu", parseDuration),
    memoryBytes: given("memory", parseSize),
  };
  const origins = textsOf(parsed, "allow-fetch");
  const others = {
    workers: given("workers", (option, text) => parseCount(option, text, 1, 1024)),
    environment: textOf(parsed, "environment"),
    fetch: origins.length === 0 ? undefined : { allow: origins },
  };
  return { limits: withoutAbsent(limits), ...withoutAbsent(others) };
}

/**
 * A token from a file, or from the environment's SKEP_TOKEN. Never from an argument, which every
 * user of the machine can see.
 */
export function readToken(parsed: Parsed): string | undefined {
  const file = textOf(parsed, "token-file");
  if (file === undefined) {
    const token = process.env["SKEP_TOKEN"];
    return token ? checkedToken("SKEP_TOKEN", token) : undefined;
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new UsageError(`--token-file: ${file} cannot be read (${code}).`);
  }
  const token = text.trim();
  if (token === "") throw new UsageError(`--token-file: ${file} is empty.`);
  return checkedToken(`--token-file: ${file}`, token);
}

/** What fits a header. The error does not show it. */
function checkedToken(source: string, token: string): string {
  if (/^[!-~]+$/.test(token)) return token;
  throw new UsageError(`${source} must have one line of visible ASCII characters.`);
}

function withoutAbsent<Fields extends object>(fields: Fields): Partial<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Fields>;
}
