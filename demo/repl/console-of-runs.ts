/** Leads what guests write to their console to the runs that wrote it. */
import type { Pool, PoolEvents } from "skep";
import type { RunNode } from "./run-tree.ts";

const MAXIMUM_LINES = 200;
const MAXIMUM_LINE_LENGTH = 2_000;

export class ConsoleOfRuns {
  readonly #byFilename = new Map<string, RunNode>();
  readonly #byRunId = new Map<number, RunNode>();
  readonly #onLine: (node: RunNode) => void;

  constructor(onLine: (node: RunNode) => void) {
    this.#onLine = onLine;
  }

  /** A pool names runs by number when it sends them; only then does it say their file names. */
  watch(pool: Pool): void {
    this.#byRunId.clear();
    pool.on("run-dispatched", ({ runId, name }) => {
      const node = this.#byFilename.get(name);
      if (node !== undefined) this.#byRunId.set(runId, node);
    });
  }

  begin(filename: string, node: RunNode): void {
    this.#byFilename.set(filename, node);
  }

  end(filename: string): void {
    const node = this.#byFilename.get(filename);
    this.#byFilename.delete(filename);
    for (const [runId, other] of this.#byRunId) if (other === node) this.#byRunId.delete(runId);
  }

  /** False when the line is of no run here. */
  logged({ runId, level, text }: PoolEvents["console"]): boolean {
    const node = this.#byRunId.get(runId);
    if (node === undefined) return false;
    if (node.lines.length === MAXIMUM_LINES) node.linesLeftOut++;
    else node.lines.push({ level, text: text.slice(0, MAXIMUM_LINE_LENGTH) });
    this.#onLine(node);
    return true;
  }
}
