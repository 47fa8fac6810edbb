#!/usr/bin/env node
/** The command `skep`. */
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { describeError, hasColours } from "./terminal.node.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `skep runs JavaScript you do not trust in sandboxes.

Usage: skep <command> [options]

Commands:
  run <file>   runs a script or module, or calls one of its functions
  repl         evaluates what you type, in one sandbox that keeps its state
  serve        serves deployments over HTTP, and waits for remote workers
  worker       lends this machine's workers to a server

skep <command> --help tells about a command.

Exit codes: 0 done, 1 the guest code failed, 2 the command was given wrongly,
3 the guest code reached a limit, 4 anything else.
`;

type Command = (args: readonly string[]) => Promise<number>;

// Each is loaded when it is asked for: a server's code is nothing that a short run waits for.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.node.ts")).run,
  repl: async () => (await import("./repl.node.ts")).repl,
  serve: async () => (await import("./serve.node.ts")).serve,
  worker: async () => (await import("./worker.node.ts")).worker,
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  if (name === "--version" || name === "-v") {
    const { version } = await import("./version.node.ts");
    process.stdout.write(`${await version()}\n`);
    return EXIT.ok;
  }
  if (name === undefined) throw new UsageError(`No command was given.\n\n${HELP.trimEnd()}`);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    throw new UsageError(`There is no command "${name}". See skep --help.`);
  }
  return (await load())(args);
}

// Whoever reads the output may stop reading: `skep run … | head -1` is no failure of ours.
process.stdout.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(EXIT.ok);
  const error = new UsageError(`The output cannot be written (${code}).`);
  process.stderr.write(`${describeError(error, hasColours(process.stderr))}\n`);
  process.exit(EXIT.other);
});
// There is nobody to tell of it.
process.stderr.on("error", () => {});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeError(error, hasColours(process.stderr))}\n`);
  process.exitCode = exitCodeOf(error);
}
