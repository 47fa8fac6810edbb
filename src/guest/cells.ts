/**
 * The worker's sandboxes. A run takes a free cell; when it ends the cell is reset from the image
 * and free again. Concurrent runs never share a memory, except in `isolation: "worker"`, where one
 * cell is everybody's and is not reset.
 */
import type { EngineFacts } from "./calibrate.ts";
import { Cell } from "./cell.ts";
import type { EngineChoice } from "./engine-choice.ts";
import { type Address, type Engine, INITIAL_PAGES, PAGE_BYTES } from "./engine.ts";
import { captureImage, type Image, restoreImage } from "./image.ts";
import { pagesFor, Sandbox } from "./sandbox.ts";
import { stow, type Stowed, unstow } from "./stow.ts";

/**
 * Heap that free cells may have outgrown their image by, together. Zeroing it is cheaper than a new
 * instance that has to grow again (16 MiB: 2 ms against 8), but it is memory nobody uses.
 */
const KEPT_GROWTH_BYTES = 48 * 2 ** 20;
/**
 * From so many sandboxes on, runs that wait lend theirs to others, which takes a tenth of a
 * millisecond; a new one takes two or three. Where it keeps happening there will be more of them.
 */
const FIRST_LIVE = 16;
const MOST_LIVE = 48;
const LOANS_PER_SANDBOX = 60;
/** A heap that outgrew its image by this much stays where it is. */
const MOVABLE_BYTES = 4 * 2 ** 20;
/** Free cells kept for the next burst of waiting runs; each is about half a megabyte. */
const KEPT_FREE = 48;

export class Cells {
  readonly #choice: EngineChoice;
  #engine: Engine;
  readonly #facts: EngineFacts;
  readonly #free: Cell[] = [];
  #freeGrowthBytes = 0;
  /** Cells that wait for something outside the engine and have a sandbox, longest first. */
  readonly #idle = new Set<Cell>();
  /** Instances there are, whoever has them. */
  #live = 0;
  #loans = 0;
  /** All cells, free or not: which ones come and go with every run, so they are not listed apart. */
  readonly #all = new Set<Cell>();

  constructor(
    choice: EngineChoice,
    engine: Engine,
    facts: EngineFacts,
    /** What new and reset cells are made from. */
    public image: Image,
  ) {
    this.#choice = choice;
    this.#engine = engine;
    this.#facts = facts;
  }

  /** Runs that start from now on start from this image. */
  async useImage(image: Image): Promise<void> {
    const engine = await this.#choice.settle(image.bytes);
    this.image = image;
    this.#useEngine(engine);
  }

  /** As {@link useImage}, for a start: the first runs do not wait for another engine. */
  startWith(image: Image): void {
    this.image = image;
    // Why it cannot be had has been told.
    void this.#choice.settle(image.bytes).then((engine) => this.#useEngine(engine));
  }

  /** Sandboxes are instances of this engine from now on. Those of another serve their runs to the end. */
  #useEngine(engine: Engine): void {
    if (engine === this.#engine) return;
    this.#engine = engine;
    this.dropFree();
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
      this.#freeGrowthBytes -= cell.growthBytes;
      return this.#prepare(cell, memoryBytes);
    }
    return undefined;
  }

  /** A new cell for a heap of `memoryBytes`. */
  async make(memoryBytes: number): Promise<Cell> {
    const pages = pagesFor(this.#facts.heapStart, memoryBytes);
    const sandbox = await Sandbox.create(this.#engine, pages);
    this.#live++;
    const cell = new Cell(sandbox, this.image);
    restoreImage(sandbox, this.image, this.#facts);
    this.#all.add(cell);
    return this.#prepare(cell, memoryBytes);
  }

  /** Whether another run should rather get the sandbox of one that waits than a new one. */
  get isFull(): boolean {
    const wanted = FIRST_LIVE + Math.floor(this.#loans / LOANS_PER_SANDBOX);
    return this.#live >= Math.min(wanted, MOST_LIVE);
  }

  /** A clean cell in the sandbox of one that waits, which is stowed for it. */
  takeOver(memoryBytes: number): Cell | undefined {
    const pages = pagesFor(this.#facts.heapStart, memoryBytes);
    const sandbox = this.#vacate(pages, this.#engine);
    if (!sandbox) return undefined;
    this.#loans++;
    const cell = new Cell(sandbox, this.image);
    cell.used = true;
    this.#all.add(cell);
    return this.#prepare(cell, memoryBytes);
  }

  /** A clean cell for a heap of `memoryBytes`, made when there is none. */
  async obtain(memoryBytes: number): Promise<Cell> {
    return (
      this.take(memoryBytes) ??
      (this.isFull ? this.takeOver(memoryBytes) : undefined) ??
      (await this.make(memoryBytes))
    );
  }

  /** A cell that is what was put away; it gets a sandbox when it wakes. */
  put(stowed: Stowed): Cell {
    const cell = new Cell(undefined, stowed.image);
    cell.stowed = stowed;
    this.#all.add(cell);
    return cell;
  }

  /** What the cell's sandbox is like at this moment. */
  stateOf(cell: Cell): Stowed {
    return cell.stowed ?? stow(cell.sandbox, cell.image, this.#facts);
  }

  /** Makes the cell what it was when this was put away. Its instance is others' from now on. */
  rollBack(cell: Cell, before: Stowed): void {
    this.#idle.delete(cell);
    const { sandbox } = cell;
    cell.leaveSandbox(before);
    const rest = new Cell(sandbox, cell.image);
    rest.used = true;
    this.#all.add(rest);
    this.keep(rest);
  }

  /** Has the cell's state kept as what differs from the current image, which others share. */
  rebase(cell: Cell): void {
    cell.image = this.image;
  }

  /** Photographs what a cell is now. It must be awake. */
  capture(cell: Cell): Image {
    cell.sandbox.heap.refresh();
    return captureImage(cell.sandbox, this.#facts);
  }

  /** Copies must not draw the same random numbers. */
  reseed({ sandbox }: Cell): void {
    this.#facts.reseed(sandbox);
  }

  /** The cell waits for something outside the engine: its sandbox may be needed for others. */
  idle(cell: Cell): void {
    if (!cell.stowed) this.#idle.add(cell);
  }

  /** The cell goes on. False when it was stowed and there is no sandbox for it: see {@link revive}. */
  wake(cell: Cell): boolean {
    this.#idle.delete(cell);
    const { stowed } = cell;
    if (!stowed) return true;
    const sandbox = this.#freeSandbox(stowed.maximumPages) ?? this.#vacate(stowed.maximumPages);
    if (!sandbox) return false;
    this.#enter(cell, sandbox, stowed);
    return true;
  }

  /** Makes a sandbox for a stowed cell; the same for all who ask for it meanwhile. */
  revive(cell: Cell): Promise<void> {
    cell.reviving ??= this.#revive(cell).finally(() => (cell.reviving = undefined));
    return cell.reviving;
  }

  async #revive(cell: Cell): Promise<void> {
    const pages = cell.stowed?.maximumPages;
    if (pages === undefined) return;
    const sandbox = await Sandbox.create(this.#engine, pages);
    // It may have been given up meanwhile.
    const { stowed } = cell;
    if (!stowed || !this.#all.has(cell)) return;
    this.#live++;
    this.#enter(cell, sandbox, stowed);
  }

  #enter(cell: Cell, sandbox: Sandbox, stowed: Stowed): void {
    sandbox.isForeign ||= cell.session?.isForeign === true;
    try {
      unstow(sandbox, stowed, this.#facts);
    } catch (error) {
      // Half of it is in there.
      this.#live--;
      throw error;
    }
    cell.enterSandbox(sandbox);
  }

  #freeSandbox(pages: number): Sandbox | undefined {
    const index = this.#free.findLastIndex((cell) => cell.sandbox.maximumPages === pages);
    const [cell] = index < 0 ? [] : this.#free.splice(index, 1);
    if (!cell) return undefined;
    this.#all.delete(cell);
    this.#freeGrowthBytes -= cell.growthBytes;
    return cell.sandbox;
  }

  /** The sandbox of the cell that has waited longest. One with a large heap is left where it is. */
  #vacate(pages: number, engine?: Engine): Sandbox | undefined {
    for (const cell of this.#idle) {
      const { sandbox, image } = cell;
      if (sandbox.maximumPages !== pages) continue;
      if (engine !== undefined && sandbox.engine !== engine) continue;
      const imageBytes = image.heapEnd - this.#facts.heapStart;
      if (this.heapBytes(cell) - imageBytes > MOVABLE_BYTES) continue;
      this.#idle.delete(cell);
      cell.leaveSandbox(stow(sandbox, image, this.#facts));
      if (!sandbox.isForeign) return sandbox;
      // Nobody else may have it, but there is room for another now.
      this.#live--;
      return undefined;
    }
    return undefined;
  }

  #prepare(cell: Cell, memoryBytes: number): Cell {
    if (cell.used || cell.image !== this.image) this.#reset(cell);
    limitHeap(cell.sandbox, this.#facts.heapStart + memoryBytes);
    return cell;
  }

  /** A run that spent so much time in the engine has left the cell for good. */
  release(cell: Cell, cpuMs: number): void {
    this.#choice.noteRun(cpuMs);
    clearTimeout(cell.timer);
    // A run after this one that has no timer waits for none.
    cell.timer = undefined;
    cell.used = true;
    cell.abandonCalls();
    if (cell.handles.size > 0) cell.handles.clear();
    this.#idle.delete(cell);
    if (cell.session !== undefined) cell.session = undefined;
    if (cell.sharedSince !== undefined) {
      cell.sharedSince = undefined;
      cell.isOverdue = false;
    }
    if (cell.stowed) {
      cell.stowed = undefined;
      this.#all.delete(cell);
      return;
    }
    this.keep(cell);
  }

  /** Keeps a cell for others, or throws it away. */
  keep(cell: Cell): void {
    const { sandbox } = cell;
    const growth = this.heapBytes(cell) - (cell.image.heapEnd - this.#facts.heapStart);
    cell.growthBytes = Math.max(cell.growthBytes, growth);
    const isGrown = this.#freeGrowthBytes + cell.growthBytes > KEPT_GROWTH_BYTES;
    const isOutdated = sandbox.engine !== this.#engine;
    const isUnfit = sandbox.poisoned || sandbox.isForeign || isOutdated;
    if (isUnfit || isGrown || this.#free.length >= KEPT_FREE) {
      this.#live--;
      this.#all.delete(cell);
      return;
    }
    this.#freeGrowthBytes += cell.growthBytes;
    this.#free.push(cell);
  }

  /** Resets free cells ahead of the next run; done while nobody waits for a result. */
  clean(): void {
    this.#useEngine(this.#choice.review(this.image.bytes));
    for (const cell of this.#free) {
      if (cell.used || cell.image !== this.image) this.#reset(cell);
    }
  }

  /** Lets go of all free cells: their memory may be what another size needs. */
  dropFree(): void {
    for (const cell of this.#free) this.#all.delete(cell);
    this.#live -= this.#free.length;
    this.#free.length = 0;
    this.#freeGrowthBytes = 0;
  }

  /** Bytes of heap the cell's runs have used at most. */
  heapBytes(cell: Cell): number {
    const { sandbox } = cell;
    const { start, end } = sandbox.ballast;
    return this.#facts.heapEnd(sandbox) - this.#facts.heapStart - (end - start);
  }

  /** Sets how much engine stack the cell's guest may use. */
  limitStack({ sandbox }: Cell, stackBytes: number): void {
    sandbox.limitStack(stackBytes);
    this.#facts.clearStackWatch(sandbox);
  }

  stackWasExhausted(cell: Cell): boolean {
    return this.#facts.stackWasExhausted(cell.sandbox);
  }

  /** Cells that runs or sessions have, with a sandbox or without. */
  get takenCount(): number {
    return this.#all.size - this.#free.length;
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const cell of this.#all) {
      const { stowed } = cell;
      bytes += stowed ? stowed.bytes.length : cell.sandbox.instance.memory.buffer.byteLength;
    }
    return bytes;
  }

  /** What of it was ever touched: a memory is large from the start, but its pages are not there. */
  get usedBytes(): number {
    const { heapStart } = this.#facts;
    let bytes = this.image.bytes;
    for (const cell of this.#all) {
      const { stowed, image } = cell;
      const touchedBytes = (): number =>
        Math.max(image.heapEnd + cell.growthBytes, heapStart + this.heapBytes(cell));
      bytes += stowed ? stowed.bytes.length : touchedBytes();
    }
    return bytes;
  }

  dispose(): void {
    for (const cell of this.#all) {
      clearTimeout(cell.timer);
      cell.endRequests();
    }
    this.#free.length = 0;
    this.#idle.clear();
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
