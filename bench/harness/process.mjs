// The parent's end of a contender's process.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const HOST = fileURLToPath(new URL("contender.mjs", import.meta.url));

/**
 * @typedef {object} ContenderSpec
 * @property {string} id
 * @property {string} label What the table calls it.
 * @property {string} module A file of `contenders/`.
 * @property {object} [options] What its `open()` is given.
 * @property {string[]} [execArgv] Flags for its process.
 * @property {string} [group] Contenders of a group stand for the best of them.
 */

/** A contender that is not there to be measured, e.g. because it did not install. */
export class SkippedError extends Error {}

export class ContenderProcess {
  /** @type {import("node:child_process").ChildProcess} */
  #child;

  /** @param {import("node:child_process").ChildProcess} child */
  constructor(child) {
    this.#child = child;
  }

  /**
   * @param {ContenderSpec} spec
   * @returns {Promise<ContenderProcess>} Rejects with a `SkippedError` when it cannot run here.
   */
  static async open({ module, options = {}, execArgv = [] }) {
    const url = new URL(`../contenders/${module}`, import.meta.url).href;
    const child = fork(HOST, [url, JSON.stringify(options)], { execArgv });
    const opened = new ContenderProcess(child);
    const message = await opened.#next();
    if (message.type === "open") return opened;
    child.kill();
    throw new SkippedError(message.reason);
  }

  /**
   * @param {number} count
   * @returns {Promise<{ figure: number, elapsedMs: number }>}
   */
  async round(count) {
    const reply = this.#next();
    this.#child.send({ type: "round", count });
    const message = await reply;
    if (message.type === "figure") return message;
    throw new Error(message.reason);
  }

  /** Ends the process; a contender that does not close by itself is killed. */
  async close() {
    if (this.#child.exitCode !== null || !this.#child.connected) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.send({ type: "close" });
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await exited;
    clearTimeout(killer);
  }

  /** @returns {Promise<any>} */
  #next() {
    return new Promise((resolve, reject) => {
      const onMessage = (/** @type {unknown} */ message) => {
        this.#child.off("exit", onExit);
        resolve(message);
      };
      const onExit = (/** @type {number | null} */ code) => {
        this.#child.off("message", onMessage);
        reject(new Error(`The contender's process ended with ${code ?? "a signal"}.`));
      };
      this.#child.once("message", onMessage);
      this.#child.once("exit", onExit);
    });
  }
}
