/**
 * Where a session's sandbox is: in a worker, or nowhere, as a state that any worker can go on from.
 * Nothing here happens at the same time: the session's line sees to that. Only losing the worker and
 * being given up may come at any moment.
 */
import type { OpenSession, SessionState } from "../protocol/control.ts";
import { WorkerGoneError } from "./control-requests.ts";
import type { PoolCore } from "./core.ts";
import { type Base, pack, type PackedState, storedBytes, unpack } from "./session-pack.ts";
import type { SessionSettings } from "./session-options.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Workers a session is tried on before its opening fails. */
const OPENING_ATTEMPTS = 3;

/** A state that is kept. */
export interface KeptState {
  packed: PackedState;
  /** When it was put away; the session's clock goes on from there. Undefined where it stood still. */
  atMs?: number | undefined;
}

/** What a session begins with: a state, or with `kept` undefined the pool's definitions. */
export interface SessionStart {
  kept: KeptState | undefined;
  /** Anybody may have written it: the memory it was in serves nobody else. */
  isForeign: boolean;
}

/** What is needed to find a place. */
export interface PlaceSurroundings {
  core: PoolCore;
  /** The worker a session should go to; waits until there is one. */
  chooseWorker(): Promise<WorkerLink>;
  /** What the states of sessions with the same definitions are kept as differences to. */
  baseFor(state: SessionState, revision: number): Base;
}

export class SessionPlace {
  readonly #surroundings: PlaceSurroundings;
  readonly #settings: SessionSettings;
  readonly #sessionId: number;
  readonly #isForeign: boolean;
  readonly #goneListeners = new Set<() => void>();
  #link: WorkerLink | undefined;
  /** Its worker has said that it has it. */
  #isOpen = false;
  #isGivenUp = false;
  /** What it is while it is in no worker; until one has it. */
  #kept: KeptState | undefined;

  constructor(
    surroundings: PlaceSurroundings,
    settings: SessionSettings,
    sessionId: number,
    { kept, isForeign }: SessionStart,
  ) {
    this.#surroundings = surroundings;
    this.#settings = settings;
    this.#sessionId = sessionId;
    this.#kept = kept;
    this.#isForeign = isForeign;
  }

  /** The worker it is in, or is being opened in. */
  get link(): WorkerLink | undefined {
    return this.#link;
  }

  /** Whether a worker has it for certain. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What another session begins with that is to be like this one, where no worker has it. */
  get start(): SessionStart {
    return { kept: this.#kept, isForeign: this.#isForeign };
  }

  /** Calls `listener` when the memory is given up. Returns what takes the listener away. */
  untilGone(listener: () => void): () => void {
    this.#goneListeners.add(listener);
    return () => this.#goneListeners.delete(listener);
  }

  /** The worker that has the session; opens it in one when none has. */
  async enter(): Promise<WorkerLink> {
    for (let attempt = 1; ; attempt++) {
      if (this.#link !== undefined && this.#isOpen) return this.#link;
      const link = await this.#surroundings.chooseWorker();
      const kept = this.#kept;
      const from: OpenSession["from"] =
        kept === undefined
          ? { type: "image" }
          : { type: "state", state: await unpack(this.#aged(kept)) };
      if (this.#isGivenUp) throw new Error("The session was given up.");
      try {
        await this.openOn(link, from);
      } catch (error) {
        if (!(error instanceof WorkerGoneError) || attempt === OPENING_ATTEMPTS) throw error;
        continue;
      }
      this.#kept = undefined;
      if (kept !== undefined) {
        const { workerId } = link;
        const { events } = this.#surroundings.core;
        events.emit("session-woken", { sessionId: this.#sessionId, workerId });
      }
    }
  }

  /** Opens it in this worker. */
  async openOn(link: WorkerLink, from: OpenSession["from"]): Promise<void> {
    const { limits, onLimit } = this.#settings;
    const request: OpenSession = {
      sessionId: this.#sessionId,
      memoryBytes: limits.memoryBytes,
      rollsBack: onLimit === "rollback",
      isForeign: this.#isForeign,
      from,
    };
    // Before anything is waited for: a worker that is to end must not go before this one.
    link.sessionCount++;
    this.#link = link;
    try {
      await this.#request(link, "open a session", () => link.handle.control.openSession(request));
    } catch (error) {
      if (this.#link === link) this.#drop();
      // It may have taken too long and come to it later.
      void this.#closeIn(link);
      throw error;
    }
    if (this.#link !== link) throw new WorkerGoneError(`Worker ${link.workerId} is gone.`);
    this.#isOpen = true;
  }

  /** What it is at the moment. */
  async packed(): Promise<PackedState> {
    if (!this.#isOpen && this.#kept !== undefined) return this.#aged(this.#kept);
    const state = await this.capture(false);
    if (state === undefined) throw new Error("The worker has no state of the session.");
    return { state };
  }

  /** What it is at the moment; undefined when `ifQuiet` and its guest waits for the host. */
  async capture(ifQuiet: boolean): Promise<SessionState | undefined> {
    const link = await this.enter();
    const { control } = link.handle;
    return this.#request(link, "give a session's state", () =>
      control.captureSession(this.#sessionId, ifQuiet),
    );
  }

  /** A state as it is at this moment, to be kept. */
  keep(packed: PackedState): KeptState {
    return { packed, atMs: this.#surroundings.core.clock.now() };
  }

  /**
   * Takes the session's state out of its worker. Returns what is kept; undefined when it stays there,
   * because it is no longer there or waits for the host, whose answer would not find it.
   */
  async store(ifQuiet: boolean, revision: number): Promise<KeptState | undefined> {
    const link = this.#link;
    if (link === undefined || !this.#isOpen) return undefined;
    const state = await this.capture(ifQuiet);
    if (state === undefined) return undefined;
    const { atMs } = this.keep({ state });
    const packed = await pack(state, this.#surroundings.baseFor(state, revision));
    if (this.#link !== link) return undefined;
    const kept: KeptState = { packed, atMs };
    this.#kept = kept;
    this.#drop();
    await this.#closeIn(link);
    const { workerId } = link;
    this.#surroundings.core.events.emit("session-hibernated", {
      sessionId: this.#sessionId,
      workerId,
      storedBytes: storedBytes(packed),
    });
    return kept;
  }

  /** Its worker is gone. Returns whether the session was there, and not only on its way. */
  lose(): boolean {
    const wasOpen = this.#isOpen;
    this.#drop();
    return wasOpen;
  }

  /** Goes on from this state, wherever it was. */
  async goBack(kept: KeptState): Promise<void> {
    const link = this.#link;
    this.#drop();
    this.#kept = kept;
    if (link !== undefined) await this.#closeIn(link);
  }

  /** Frees the sandbox, for good. */
  async giveUp(): Promise<void> {
    const link = this.#link;
    this.#isGivenUp = true;
    this.#kept = undefined;
    this.#drop();
    if (link !== undefined) await this.#closeIn(link);
  }

  #aged({ packed, atMs }: KeptState): PackedState {
    if (atMs === undefined) return packed;
    const { state } = packed;
    const ageMs = state.ageMs + this.#surroundings.core.clock.now() - atMs;
    return { ...packed, state: { ...state, ageMs } };
  }

  #drop(): void {
    if (this.#link !== undefined) this.#link.sessionCount--;
    this.#link = undefined;
    this.#isOpen = false;
    for (const listener of this.#goneListeners) listener();
    this.#goneListeners.clear();
  }

  async #closeIn(link: WorkerLink): Promise<void> {
    const { control } = link.handle;
    await this.#request(link, "close a session", () => control.closeSession(this.#sessionId)).catch(
      () => {},
    );
    // It may have been the last one it stayed for.
    this.#surroundings.core.supervisor.reviewRetiring(link);
  }

  #request<Reply>(link: WorkerLink, what: string, call: () => Promise<Reply>): Promise<Reply> {
    // Its worker may have something to compute first.
    const { startTimeoutMs } = this.#surroundings.core.settings;
    return link.requests.make(what, call, startTimeoutMs, true);
  }
}
