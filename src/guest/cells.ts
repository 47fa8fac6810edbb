/**
 * The worker's sandboxes. A run takes a free cell; when it ends the cell is reset from the image
 * and free again. Concurrent runs never share a memory, except in `isolation: "worker"`, where one
 * cell is everybody's and is not reset.
 */
import type { EngineFacts } from "./calibrate.ts";
import { type Address, type Engine, INITIAL_PAGES, PAGE_BYTES } from "./engine.ts";
import type { GuestRequests } from "./fetch/requests.ts";
import { type Image, restoreImage } from "./image.ts";
import type { Run } from "./run.ts";
import { pagesFor, Sandbox, type SandboxHooks } from "./sandbox.ts";

/** A heap that outgrew its image by this much is cheaper to replace than to zero. */
const DISCARD_BYTES = 8 * 2 ** 20;
/** Free cells kept for the next burst of waiting runs; each is about half a megabyte. */
const KEPT_FREE = 32;

export class Cell {
  image: Image;
  /** The runs in it: at most one, but for a shared cell. */
  readonly runs: Set<Run> = new Set();
  /** Counts resets. What arrives late for an earlier epoch finds nobody. */
  epoch = 0;
  /** Needs a reset before the next run. */
  used = false;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Host promises the guest still waits for. */
  pendingHostCalls = 0;
  /** Calls of host functions the guest still waits for, by id. */
  readonly hostCalls: Set<number> = new Set();
  /** What the sandbox may ask of its worker; made with its first run. */
  hooks: SandboxHooks | undefined;
  readonly handles: Map<number, object> = new Map();
  /** What its guests fetch; made with the first request. */
  requests: GuestRequests | undefined;

  constructor(
    readonly sandbox: Sandbox,
    image: Image,
  ) {
    this.image = image;
  }

  /** Nobody waits for its requests any more. */
  endRequests(): void {
    this.requests?.abort();
    this.requests = undefined;
  }
}

export class Cells {
  readonly #engine: Engine;
  readonly #facts: EngineFacts;
  readonly #free: Cell[] = [];
  /** All cells, free or not: which ones come and go with every run, so they are not listed apart. */
  readonly #all = new Set<Cell>();
  discarded = 0;

  constructor(
    engine: Engine,
    facts: EngineFacts,
    /** What new and reset cells are made from. */
    public image: Image,
  ) {
    this.#engine = engine;
    this.#facts = facts;
  }

  /** A clean cell for a heap of `memoryBytes`, if one is free. */
  take(memoryBytes: number): Cell | undefined {
    const pages = pagesFor(this.#facts.heapStart, memoryBytes);
    for (let index = this.#free.length - 1; index >= 0; index--) {
      const cell = this.#free[index];
      if (cell?.sandbox.maximumPages !== pages) continue;
      // Cells come and go at the end, where the warmest one is; splice() makes an array every time.
      if (index === this.#free.length - 1) this.#free.pop();
      else this.#free.splice(index, 1);
      return this.#prepare(cell, memoryBytes);
    }
    return undefined;
  }

  /** A new cell for a heap of `memoryBytes`. */
  async make(memoryBytes: number): Promise<Cell> {
    const pages = pagesFor(this.#facts.heapStart, memoryBytes);
    const sandbox = await Sandbox.create(this.#engine, pages);
    const cell = new Cell(sandbox, this.image);
    restoreImage(sandbox, this.image, this.#facts);
    this.#all.add(cell);
    return this.#prepare(cell, memoryBytes);
  }

  #prepare(cell: Cell, memoryBytes: number): Cell {
    if (cell.used || cell.image !== this.image) this.#reset(cell);
    limitHeap(cell.sandbox, this.#facts.heapStart + memoryBytes);
    return cell;
  }

  /** A run has left the cell for good: it is kept for others, or thrown away. */
  release(cell: Cell): void {
    clearTimeout(cell.timer);
    cell.epoch++;
    cell.used = true;
    cell.pendingHostCalls = 0;
    // Clearing what is empty is not free: it makes a new table.
    if (cell.hostCalls.size > 0) cell.hostCalls.clear();
    if (cell.handles.size > 0) cell.handles.clear();
    if (cell.requests !== undefined) cell.endRequests();
    const { sandbox } = cell;
    const grown = this.heapBytes(cell) - (cell.image.heapEnd - this.#facts.heapStart);
    if (sandbox.poisoned || grown > DISCARD_BYTES || this.#free.length >= KEPT_FREE) {
      if (sandbox.poisoned || grown > DISCARD_BYTES) this.discarded++;
      this.#all.delete(cell);
      return;
    }
    this.#free.push(cell);
  }

  /** Resets free cells ahead of the next run; done while nobody waits for a result. */
  clean(): void {
    for (const cell of this.#free) {
      if (cell.used || cell.image !== this.image) this.#reset(cell);
    }
  }

  /** Lets go of all free cells: their memory may be what another size needs. */
  dropFree(): void {
    for (const cell of this.#free) this.#all.delete(cell);
    this.#free.length = 0;
  }

  /** Bytes of heap the cell's runs have used at most. */
  heapBytes(cell: Cell): number {
    const { sandbox } = cell;
    const { start, end } = sandbox.ballast;
    return this.#facts.heapEnd(sandbox) - this.#facts.heapStart - (end - start);
  }

  stackWasExhausted(cell: Cell): boolean {
    return this.#facts.stackWasExhausted(cell.sandbox);
  }

  get counts(): { free: number; running: number; parked: number } {
    const free = this.#free.length;
    return { free, running: 0, parked: this.#all.size - free };
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const cell of this.#all) bytes += cell.sandbox.instance.memory.buffer.byteLength;
    return bytes;
  }

  dispose(): void {
    for (const cell of this.#all) {
      clearTimeout(cell.timer);
      cell.endRequests();
    }
    this.#free.length = 0;
    this.#all.clear();
  }

  #reset(cell: Cell): void {
    restoreImage(cell.sandbox, this.image, this.#facts);
    cell.image = this.image;
    cell.used = false;
  }
}

/**
 * The engine's memory starts larger than a small limit allows: what is too much is taken away from
 * the guest by a block nobody uses.
 */
function limitHeap(sandbox: Sandbox, heapLimit: Address): void {
  const surplus = INITIAL_PAGES * PAGE_BYTES - heapLimit;
  if (surplus <= 0) return;
  const start = sandbox.instance.malloc(surplus);
  if (start !== 0) sandbox.ballast = { start, end: start + surplus };
}
