/**
 * Sessions in a worker: cells that serve one user's runs, one after the other, and are not reset in
 * between. Between runs a session stands still: what became due meanwhile happens in its next run,
 * so that guest code runs within some run's limits and nowhere else.
 */
import type { OpenSession, SessionState } from "../protocol/control.ts";
import type { EngineFacts } from "./calibrate.ts";
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import { PAGE_BYTES } from "./engine.ts";
import { imageOfState, stateOfImage } from "./image-state.ts";
import type { Inventory } from "./inventory.ts";
import { type Completion, pagesFor, type Sandbox } from "./sandbox.ts";
import type { Stowed } from "./stow.ts";
import type { VirtualModules } from "./virtual-modules.ts";

/** What a session has besides its cell's memory. */
export class SessionMemory {
  /** As it was before the run that is under way, where that can be gone back to. */
  before: Stowed | undefined;
  /** Its guest has timers. */
  hasTimer = false;
  /** Its memory was copied: nobody will answer the host calls that it waits for. */
  isCopy = false;
  /** Answers that came while no run was under way. */
  late: ((sandbox: Sandbox) => Completion)[] = [];
  /** What earlier runs brought along to import. */
  readonly modules: VirtualModules[] = [];
  /** When it began, on `performance.now()`'s clock; a copy is as old as what it was copied from. */
  startedAt: number = performance.now();

  constructor(
    readonly id: number,
    /** Whether a run that reaches a limit leaves it as it was before. */
    readonly rollsBack: boolean,
    /** Its memory may be anything: instances that had it serve nobody else. */
    readonly isForeign: boolean,
  ) {}
}

export interface SessionsSettings {
  cells: Cells;
  facts: EngineFacts;
  engineBuild: string;
  inventory(this: void): Inventory;
}

export class Sessions {
  readonly #settings: SessionsSettings;
  readonly #cells = new Map<number, Cell>();
  /** Those that have not been closed since. */
  readonly #opening = new Set<number>();

  constructor(settings: SessionsSettings) {
    this.#settings = settings;
  }

  cellOf(sessionId: number): Cell | undefined {
    return this.#cells.get(sessionId);
  }

  /** The session whose guest waits for this call of a host function. */
  cellAwaiting(callId: number): Cell | undefined {
    for (const cell of this.#cells.values()) if (cell.hostCalls.has(callId)) return cell;
    return undefined;
  }

  /** Closing a session while it is being opened is fine: what comes of it is let go again. */
  async open(request: OpenSession): Promise<void> {
    const { sessionId } = request;
    this.#opening.add(sessionId);
    try {
      const cell = await this.#opened(request);
      if (!this.#opening.has(sessionId)) {
        this.#settings.cells.release(cell, 0);
        throw new Error(`The session ${sessionId} was closed before it was open.`);
      }
      this.#cells.set(sessionId, cell);
    } finally {
      this.#opening.delete(sessionId);
    }
  }

  async #opened({
    sessionId,
    memoryBytes,
    rollsBack,
    isForeign,
    from,
  }: OpenSession): Promise<Cell> {
    const { cells } = this.#settings;
    const session = new SessionMemory(sessionId, rollsBack, isForeign);
    if (from.type === "image") {
      const cell = await cells.obtain(memoryBytes);
      cell.session = session;
      cells.idle(cell);
      return cell;
    }
    session.isCopy = true;
    if (from.type === "session") {
      const original = this.#find(from.sessionId);
      const cell = cells.put(cells.stateOf(original));
      session.hasTimer = original.session?.hasTimer === true;
      session.startedAt = original.session?.startedAt ?? session.startedAt;
      for (const [id, object] of original.handles) cell.handles.set(id, object);
      session.modules.push(...(original.session?.modules ?? []));
      cell.session = session;
      return cell;
    }
    const { state } = from;
    session.hasTimer = state.hasTimer;
    session.startedAt -= state.ageMs;
    const cell = cells.put(this.#stowed(state, memoryBytes));
    cell.session = session;
    try {
      // At once: what differs from the pool's image is less to keep than an image of its own.
      await this.#awaken(cell);
    } catch (error) {
      cells.release(cell, 0);
      throw error;
    }
    cells.rebase(cell);
    cells.idle(cell);
    return cell;
  }

  /** What a session is at this moment; undefined when `ifQuiet` and it waits for the host. */
  async capture(sessionId: number, ifQuiet: boolean): Promise<SessionState | undefined> {
    const { cells, engineBuild } = this.#settings;
    const cell = this.#find(sessionId);
    const { session } = cell;
    // An answer that has come and not been told yet would be lost, too.
    const awaitsHost = cell.pendingHostCalls > 0 || session?.late.length !== 0;
    if (ifQuiet && awaitsHost) return undefined;
    await this.#awaken(cell);
    const { maximumPages, ballast, instance } = cell.sandbox;
    const state = stateOfImage(cells.capture(cell));
    cells.idle(cell);
    return {
      ...state,
      engineBuild,
      maximumPages,
      ballast: { ...ballast },
      growthRefused: instance.growthRefused,
      hasTimer: session?.hasTimer === true,
      ageMs: performance.now() - (session?.startedAt ?? performance.now()),
    };
  }

  close(sessionId: number): void {
    this.#opening.delete(sessionId);
    const cell = this.#cells.get(sessionId);
    if (!cell) return;
    this.#cells.delete(sessionId);
    this.#settings.cells.release(cell, 0);
  }

  /** A run has left a session: whether it ended by itself, so that what it did counts. */
  rest(cell: Cell, isIntact: boolean): void {
    const { session } = cell;
    if (!session) return;
    const { cells } = this.#settings;
    session.hasTimer = cell.timer !== undefined;
    clearTimeout(cell.timer);
    cell.timer = undefined;
    const { before } = session;
    session.before = undefined;
    if (isIntact && !cell.sandbox.poisoned) {
      cells.idle(cell);
      return;
    }
    if (!before) {
      this.close(session.id);
      return;
    }
    cells.rollBack(cell, before);
    // What was under way for the run is no longer awaited by anybody in there.
    cell.abandonCalls();
    session.late = [];
    session.hasTimer = true;
    session.isCopy = true;
  }

  #find(sessionId: number): Cell {
    const cell = this.#cells.get(sessionId);
    if (!cell) throw new Error(`The worker has no session ${sessionId}.`);
    return cell;
  }

  async #awaken(cell: Cell): Promise<void> {
    const { cells } = this.#settings;
    while (!cells.wake(cell)) await cells.revive(cell);
  }

  /** The state of another worker, as if it had been put away here. */
  #stowed(state: SessionState, memoryBytes: number): Stowed {
    const { engineBuild, facts, inventory } = this.#settings;
    if (state.engineBuild !== engineBuild) {
      throw new Error(`it is of the engine ${state.engineBuild}, not ${engineBuild}.`);
    }
    const pages = pagesFor(facts.heapStart, memoryBytes);
    if (state.maximumPages > pages || state.heapEnd > state.maximumPages * PAGE_BYTES) {
      throw new Error(`it is larger than the ${memoryBytes} bytes that the session may have.`);
    }
    const image = imageOfState(state, inventory());
    const { heapEnd, anchors } = image;
    const { maximumPages, ballast, growthRefused } = state;
    const nothing = { starts: new Uint32Array(0), bytes: new Uint8Array(0) };
    return { image, maximumPages, ...nothing, heapEnd, anchors, ballast, growthRefused };
  }
}
