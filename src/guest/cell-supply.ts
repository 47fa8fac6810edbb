/**
 * A cell for each run: one of its own that is free, is lent by a run that waits, or is made; in
 * `isolation: "worker"` the one that all share.
 */
import { messageOf } from "../errors.ts";
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import type { Run, Verdict } from "./run.ts";

/** How often and how long after each other a sandbox is tried for before runs fail for it. */
const MAKING_RETRIES = 10;
const MAKING_RETRY_MS = 100;

export interface CellSupplySettings {
  cells: Cells;
  isolation: "call" | "worker";
  /** Of the shared cell. */
  memoryBytes: number;
}

export class CellSupply {
  /** There is a cell, or it is worth asking for one again. */
  onCell: () => void = () => {};
  /** No cell can be had: what the runs that wait for one end with. */
  onFailure: (verdict: Verdict) => void = () => {};

  readonly #settings: CellSupplySettings;
  #shared: Cell | undefined;
  #isMaking = false;
  #failedMakings = 0;
  /** The platform lends no more memory: waiting runs wait for a cell in use. */
  #isCrowded = false;
  #isStopped = false;

  constructor(settings: CellSupplySettings) {
    this.#settings = settings;
  }

  /** A cell for a run that has no session; undefined when there is none yet: see {@link onCell}. */
  cellFor({ limits: { memoryBytes } }: Run): Cell | undefined {
    const { cells, isolation, memoryBytes: sharedBytes } = this.#settings;
    if (isolation === "worker") {
      if (!this.#shared) this.#make(sharedBytes, (made) => this.#share(made));
      return this.#shared;
    }
    const isFull = cells.isFull || this.#isCrowded;
    const cell = cells.take(memoryBytes) ?? (isFull ? cells.takeOver(memoryBytes) : undefined);
    if (!cell) this.#make(memoryBytes, (made) => cells.keep(made));
    return cell;
  }

  #share(cell: Cell): void {
    cell.sharedSince = performance.now();
    this.#shared = cell;
  }

  /** Whether the cell is everybody's. */
  isShared(cell: Cell): boolean {
    return cell === this.#shared;
  }

  /** A run has left its cell. */
  noteLeft(): void {
    this.#isCrowded = false;
  }

  /** The next run begins a new shared cell. Whoever is in this one stays. */
  dropShared(): void {
    const cell = this.#shared;
    this.#shared = undefined;
    if (cell) this.#settings.cells.release(cell, 0);
  }

  /** Begins a new shared cell where nobody is in this one and it is of an old image. */
  renewShared(): void {
    const cell = this.#shared;
    if (cell?.runs.size === 0 && cell.image !== this.#settings.cells.image) this.dropShared();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Makes a cell in the background; one at a time, and as many as runs wait. */
  #make(memoryBytes: number, use: (cell: Cell) => void): void {
    if (this.#isMaking || this.#isCrowded) return;
    this.#isMaking = true;
    this.#settings.cells.make(memoryBytes).then(
      (cell) => {
        this.#isMaking = false;
        if (this.#isStopped) return;
        this.#failedMakings = 0;
        use(cell);
        this.onCell();
      },
      (error: unknown) => {
        this.#isMaking = false;
        if (!this.#isStopped) this.#cannotMake(error);
      },
    );
  }

  /**
   * Browsers lend a page about a hundred memories, and take back unused ones when they like: runs
   * wait for a cell in use, or a while for memory, before they fail for it.
   */
  #cannotMake(error: unknown): void {
    const { cells } = this.#settings;
    cells.dropFree();
    if (cells.takenCount > 0) {
      this.#isCrowded = true;
      return;
    }
    if (++this.#failedMakings <= MAKING_RETRIES) {
      setTimeout(() => this.onCell(), MAKING_RETRY_MS);
      return;
    }
    this.#failedMakings = 0;
    const reason = messageOf(error);
    this.onFailure({ code: "worker-lost", message: `No sandbox could be made: ${reason}` });
  }
}
