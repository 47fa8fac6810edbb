/** `skep repl`: evaluates what is typed in one sandbox that keeps its state. */
import { readFile, writeFile } from "node:fs/promises";
import { createInterface, type Interface } from "node:readline";
import { createPool } from "../index.node.ts";
import type { Pool } from "../pool/pool.ts";
import type { Session } from "../pool/session.ts";
import { isSet, parse, POOL_FLAGS, POOL_HELP, poolOptions, textOf } from "./arguments.node.ts";
import { EXIT } from "./exit-codes.ts";
import { isIncomplete } from "./incomplete.ts";
import { describeError, hasColours, shown } from "./terminal.node.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `skep repl evaluates what you type in one sandbox that keeps its state.

Usage: skep repl [options]

  --history <file>        keeps what was typed for the next time
${POOL_HELP}
  --help

${commandsHelp()}
Ctrl-C ends a line that runs, or clears the one being typed; Ctrl-D ends the session.
A line that ends within brackets goes on in the next one.
`;

function commandsHelp(): string {
  return `Commands:
  .save <file>   writes the sandbox's state to a file
  .load <file>   goes on from such a file
  .fork          goes on in a copy; .back returns to what was before
  .back          leaves the copy
  .clear         a new sandbox
  .help, .exit
`;
}

export async function repl(args: readonly string[]): Promise<number> {
  const parsed = parse("repl", args, { ...POOL_FLAGS, history: { type: "string" } });
  if (isSet(parsed, "help")) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  if (parsed.positionals.length > 0) {
    throw new UsageError(`skep repl takes no file. Use skep run ${parsed.positionals[0]}.`);
  }
  const historyFile = textOf(parsed, "history");
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const pool = await createPool({ workers: 1, ...poolOptions(parsed) });
  try {
    pool.on("console", ({ text }) => void process.stdout.write(`${text}\n`));
    const history = historyFile === undefined ? [] : await readHistory(historyFile);
    // Before the first line is read: one that came meanwhile would be lost.
    const session = await pool.session();
    const lines = createInterface({
      input: process.stdin,
      output: isTerminal ? process.stdout : undefined,
      terminal: isTerminal,
      history,
      historySize: 1_000,
    });
    if (historyFile !== undefined) {
      lines.on("history", (entries: string[]) => history.splice(0, Infinity, ...entries));
    }
    await new Conversation(pool, session, lines, isTerminal).run();
    if (historyFile !== undefined) await writeHistory(historyFile, history);
  } finally {
    await pool.close({ force: true });
  }
  return EXIT.ok;
}

class Conversation {
  readonly #pool: Pool;
  readonly #lines: Interface;
  readonly #isTerminal: boolean;
  /** The one in use, and before it those that it was forked from. */
  readonly #sessions: Session[];
  /** Lines of something that is not complete. */
  #typed = "";
  #running: AbortController | undefined;

  constructor(pool: Pool, session: Session, lines: Interface, isTerminal: boolean) {
    this.#pool = pool;
    this.#sessions = [session];
    this.#lines = lines;
    this.#isTerminal = isTerminal;
  }

  async run(): Promise<void> {
    const interrupt = (): void => this.#interrupt();
    this.#lines.on("SIGINT", interrupt);
    process.on("SIGINT", interrupt);
    try {
      this.#prompt();
      for await (const line of this.#lines) {
        if (this.#typed === "" && line.trim() === ".exit") break;
        await this.#take(line);
        this.#prompt();
      }
      if (this.#typed !== "") await this.#evaluate(this.#typed);
    } finally {
      process.off("SIGINT", interrupt);
      this.#lines.close();
    }
  }

  async #take(line: string): Promise<void> {
    const command = this.#typed === "" ? /^\s*\.([a-z]+)(?:\s+(.*?))?\s*$/.exec(line) : null;
    if (command !== null) {
      await this.#command(command[1] ?? "", command[2] ?? "").catch((error: unknown) =>
        this.#complain(error),
      );
      return;
    }
    this.#typed += this.#typed === "" ? line : `\n${line}`;
    if (isIncomplete(this.#typed)) return;
    const source = this.#typed;
    this.#typed = "";
    if (source.trim() !== "") await this.#evaluate(source);
  }

  async #evaluate(source: string): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    try {
      const value = await this.#session.eval(source, { signal: running.signal, filename: "repl" });
      if (value !== undefined) this.#say(shown(value, hasColours(process.stdout)));
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #command(name: string, file: string): Promise<void> {
    const needsFile = name === "save" || name === "load";
    if (needsFile && file === "") throw new UsageError(`.${name} needs the name of a file.`);
    switch (name) {
      case "help":
        return this.#say(commandsHelp().trimEnd());
      case "save":
        await writePrivately(file, await this.#session.snapshot());
        return this.#say(`Saved to ${file}.`);
      case "load":
        await this.#replace(
          await this.#pool.restore(await readFile(file).catch(cannot("read", file))),
        );
        return this.#say(`Loaded from ${file}.`);
      case "clear":
        await this.#replace(await this.#pool.session());
        return this.#say("A new sandbox.");
      case "fork":
        this.#sessions.push(await this.#session.fork());
        return this.#say(`In a copy (${this.#sessions.length - 1} deep). .back returns.`);
      case "back":
        if (this.#sessions.length === 1) throw new UsageError("There is nothing to go back to.");
        await this.#sessions.pop()?.close();
        return this.#say("Back.");
      default:
        throw new UsageError(`There is no command .${name}. See .help.`);
    }
  }

  get #session(): Session {
    const session = this.#sessions.at(-1);
    if (session === undefined) throw new Error("The conversation has not begun.");
    return session;
  }

  async #replace(session: Session): Promise<void> {
    const old = this.#sessions.pop();
    this.#sessions.push(session);
    await old?.close();
  }

  #interrupt(): void {
    if (this.#running !== undefined) return this.#running.abort();
    // Nobody is typing: the signal is meant for the whole.
    if (!this.#isTerminal) process.exit(EXIT.other);
    if (this.#typed === "" && this.#lines.line === "") {
      this.#say("(Ctrl-D or .exit ends the session.)");
    }
    this.#typed = "";
    // Deletes the line being typed, as Ctrl-E and Ctrl-U would.
    this.#lines.write(null, { ctrl: true, name: "e" });
    this.#lines.write(null, { ctrl: true, name: "u" });
    this.#prompt();
  }

  #prompt(): void {
    if (!this.#isTerminal) return;
    this.#lines.setPrompt(this.#typed === "" ? `${">".repeat(this.#sessions.length)} ` : "… ");
    this.#lines.prompt();
  }

  #say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  #complain(error: unknown): void {
    process.stderr.write(`${describeError(error, hasColours(process.stderr))}\n`);
  }
}

async function readHistory(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    return cannot("read", file)(error);
  }
}

async function writeHistory(file: string, history: readonly string[]): Promise<void> {
  await writePrivately(file, history.map((line) => `${line}\n`).join(""));
}

/** What was typed, and what came of it, may be secret: for nobody else's eyes. */
async function writePrivately(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(file, content, { mode: 0o600 }).catch(cannot("written", file));
}

function cannot(what: "read" | "written", file: string): (error: unknown) => never {
  return (error) => {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new UsageError(`${file} cannot be ${what} (${code}).`);
  };
}
