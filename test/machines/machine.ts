/** Processes that lend their workers to a server. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { JoinEvent, JoinOptions } from "skep/remote-worker";

const SCRIPT = fileURLToPath(new URL("lend.mjs", import.meta.url));

type Told = JoinEvent | { type: "refused"; message: string };

export class Machine {
  readonly process: ChildProcess;
  readonly told: Told[] = [];
  readonly ended: Promise<unknown>;

  constructor(options: JoinOptions, env: NodeJS.ProcessEnv = {}) {
    const settings = { execArgv: [], env: { ...process.env, ...env } };
    this.process = fork(SCRIPT, [JSON.stringify(options)], settings);
    this.process.on("message", (event) => this.told.push(event as Told));
    this.ended = once(this.process, "exit");
  }

  /** Waits until it has told something of the kind, now or before. */
  async until(isIt: (event: Told) => boolean): Promise<void> {
    while (!this.told.some(isIt)) {
      await Promise.race([once(this.process, "message"), this.ended]);
      if (this.process.exitCode !== null && !this.told.some(isIt)) {
        throw new Error(`It ended with ${this.process.exitCode}.`);
      }
    }
  }

  async ready(): Promise<this> {
    await this.until((event) => event.type === "state" && event.state === "ready");
    return this;
  }

  kill(): Promise<unknown> {
    this.process.kill("SIGKILL");
    return this.ended;
  }
}
