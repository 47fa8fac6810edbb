/** Starts the command, as a shell would. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const program = fileURLToPath(new URL("../../../dist/cli/main.node.js", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Command {
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #child: ReturnType<typeof spawn>;
  #changed = (): void => {};

  constructor(
    args: readonly string[],
    options: { cwd?: string; env?: Record<string, string> } = {},
  ) {
    this.#child = spawn(process.execPath, [program, ...args], {
      cwd: options.cwd,
      env: { PATH: process.env["PATH"], ...options.env },
    });
    const child = this.#child;
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdout!.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#changed();
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.#changed();
      });
    });
  }

  write(text: string): this {
    this.#child.stdin!.write(text);
    return this;
  }

  end(text = ""): this {
    this.#child.stdin!.end(text);
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves once stdout and stderr together match. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout + this.stderr);
      if (found !== null) return found;
      if (this.#child.exitCode !== null) {
        throw new Error(`It ended without ${pattern}: ${this.stdout}${this.stderr}`);
      }
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }
}

/** Runs the command to its end. */
export function skep(args: readonly string[], stdin = "", cwd?: string): Promise<Ended> {
  return new Command(args, cwd === undefined ? {} : { cwd }).end(stdin).ended;
}

/** A folder with these files, until the test is over. */
export async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skep-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}
