/** `skep run`: one program, one result. */
import { createPool } from "../index.node.ts";
import type { SkepError } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import type { RunOutcome } from "../pool/run.ts";
import {
  isSet,
  parse,
  type Parsed,
  POOL_FLAGS,
  POOL_HELP,
  poolOptions,
  textOf,
  textsOf,
} from "./arguments.node.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { readProgram } from "./program.node.ts";
import {
  describeError,
  errorData,
  hasColours,
  showProgress,
  shown,
  toJson,
} from "./terminal.node.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `skep run evaluates a file in a sandbox and prints its result.

Usage: skep run <file> [options]        "-" reads standard input

A script's result is its completion value, a module's its default export or its exports.
ES modules, CommonJS and TypeScript may import files beside them, never above their folder.

  --fn <name>             calls this function, or export, and prints what it returns
  --args <json>           its arguments, as a list: '[1, "two"]'   (default [])
  --ts                    the file is TypeScript, whatever its name
  --package <name>        an npm package it may import, from node_modules; may be repeated
${POOL_HELP}
  --json                  prints one line of JSON: { ok, value | error, receipt }
  --help

What the program logs goes to stdout and stderr, as in Node; with --json, all to stderr.
Exit codes: 0 done, 1 the program failed, 2 usage, 3 it reached a limit, 4 anything else.
`;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parse("run", args, {
    ...POOL_FLAGS,
    fn: { type: "string" },
    args: { type: "string" },
    ts: { type: "boolean" },
    package: { type: "string", multiple: true },
    json: { type: "boolean" },
  });
  if (isSet(parsed, "help")) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const [file, ...others] = parsed.positionals;
  if (file === undefined) throw new UsageError("skep run needs a file. See skep run --help.");
  if (others.length > 0) throw new UsageError(`skep run takes one file, not also "${others[0]}".`);
  const program = readProgram({
    file,
    fn: textOf(parsed, "fn"),
    args: argumentsIn(parsed),
    isTypeScript: isSet(parsed, "ts"),
  });
  const isJson = isSet(parsed, "json");
  const packages = textsOf(parsed, "package");
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const stopProgress = showProgress(process.stderr, "skep: running");
  let pool: Pool | undefined;
  try {
    pool = await createPool({
      workers: 1,
      ...poolOptions(parsed),
      dependencies: Object.fromEntries(packages.map((name) => [name, { npm: name }])),
    });
    pool.on("console", ({ level, text }) => {
      const isOutput = !isJson && level !== "warn" && level !== "error";
      (isOutput ? process.stdout : process.stderr).write(`${text}\n`);
    });
    const outcome = await pool.execute(program.execution, { signal: interruption.signal });
    stopProgress();
    const told = outcome.ok ? { ...outcome, value: program.resultOf(outcome.value) } : outcome;
    return isJson ? printJson(told) : print(told);
  } catch (error) {
    stopProgress();
    if (!isJson) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, error: errorData(error) })}\n`);
    return exitCodeOf(error);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await pool?.close({ force: true });
  }
}

function print(outcome: RunOutcome): number {
  if (outcome.ok) {
    const { value } = outcome;
    if (value !== undefined) {
      process.stdout.write(`${shown(value, hasColours(process.stdout))}\n`);
    }
    return EXIT.ok;
  }
  process.stderr.write(`${describeError(outcome.error, hasColours(process.stderr))}\n`);
  return exitCodeOf(outcome.error);
}

function printJson(outcome: RunOutcome): number {
  const { receipt } = outcome;
  if (outcome.ok) {
    try {
      const value = toJson(outcome.value);
      process.stdout.write(`{"ok":true,"value":${value},"receipt":${JSON.stringify(receipt)}}\n`);
      return EXIT.ok;
    } catch (error) {
      return printJson({ ok: false, error: error as SkepError, receipt });
    }
  }
  const error = errorData(outcome.error);
  process.stdout.write(`${JSON.stringify({ ok: false, error, receipt })}\n`);
  return exitCodeOf(outcome.error);
}

function argumentsIn(parsed: Parsed): unknown[] {
  const text = textOf(parsed, "args");
  if (text === undefined) return [];
  if (textOf(parsed, "fn") === undefined) throw new UsageError("--args needs --fn.");
  let args: unknown;
  try {
    args = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--args is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(args)) throw new UsageError("--args must be a list, such as '[1, 2]'.");
  return args;
}
