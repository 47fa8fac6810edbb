/**
 * One session: where its sandbox is, and the line of what is to happen in it. Runs and everything
 * else (snapshots, forks, hibernation) happen one after the other, in the order they were asked for.
 */
import { SkepError, type SkepErrorCode } from "../errors.ts";
import type { OpenSession, RegistryChange, SessionState } from "../protocol/control.ts";
import type { PoolCore } from "./core.ts";
import type { Limits } from "./limits.ts";
import type { Run, RunOptions, RunSession } from "./run.ts";
import { type Base, pack, type PackedState, storedBytes, unpack } from "./session-pack.ts";
import type { SessionSettings } from "./session-options.ts";
import { WorkerGoneError, type WorkerLink } from "./worker-link.ts";

/** Something to be done in a session besides runs. */
interface Task {
  act(): Promise<void>;
  /** The session ended before it came to that. */
  giveUp(error: SkepError): void;
}

/** Workers a session is tried on before its opening fails. */
const OPENING_ATTEMPTS = 3;
/** Errors of runs after which a session with `onLimit: "end"` ends. */
const LIMIT_CODES: ReadonlySet<SkepErrorCode> = /*#__PURE__*/ new Set<SkepErrorCode>([
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "host-calls-exceeded",
  "input-exceeded",
  "output-exceeded",
  "aborted",
]);

/** What the sessions of a pool share. */
export interface SessionSurroundings {
  core: PoolCore;
  nextSessionId(): number;
  /** The worker a session should go to; waits until there is one. */
  chooseWorker(): Promise<WorkerLink>;
  /** What the states of sessions with the same definitions are kept as differences to. */
  baseFor(state: SessionState, revision: number): Base;
  onOpened(line: SessionLine): void;
  onGone(line: SessionLine): void;
}

/** Why a session takes nothing any more. */
interface SessionEnd {
  code: SkepErrorCode;
  message: string;
}

/** What a session begins with: nothing but the pool's definitions, or a state. */
export type SessionStart = PackedState | undefined;

export class SessionLine implements RunSession {
  readonly id: number;
  readonly #surroundings: SessionSurroundings;
  readonly #settings: SessionSettings;
  readonly #line: (Run | Task)[] = [];
  readonly #goneListeners = new Set<() => void>();
  /** The run or task whose turn it is. */
  #current: Run | Task | undefined;
  #link: WorkerLink | undefined;
  /** Whether it has been in a worker. */
  #isOpened = false;
  /** What it was when it was put away, or has begun with; undefined while it is in a worker. */
  #stored: PackedState | undefined;
  /** What it was after its last run, where that is kept. */
  #checkpoint: SessionState | undefined;
  /** Why it takes nothing any more. */
  #end: SessionEnd | undefined;
  #cancelIdle: (() => void) | undefined;
  /** What follows the last run: a checkpoint, for instance. */
  #afterRun: Promise<void> = Promise.resolve();

  constructor(
    surroundings: SessionSurroundings,
    settings: SessionSettings,
    /** What was defined when it began. */
    readonly manifest: RegistryChange,
    start: SessionStart,
  ) {
    this.id = surroundings.nextSessionId();
    this.#surroundings = surroundings;
    this.#settings = settings;
    this.#stored = start;
  }

  get limits(): Limits {
    return this.#settings.limits;
  }

  get state(): "active" | "hibernated" | "ended" {
    if (this.#end !== undefined) return "ended";
    return this.#link === undefined ? "hibernated" : "active";
  }

  /** The worker that has its sandbox; undefined while none has. */
  get workerId(): number | undefined {
    return this.#link?.workerId;
  }

  /** Resolves when what follows the last settled run is done. */
  get afterRun(): Promise<void> {
    return this.#afterRun;
  }

  checkOptions(options: RunOptions): void {
    for (const key of ["memoryBytes", "priority"] as const) {
      if (options[key] === undefined) continue;
      const instead = key === "priority" ? "its runs take turns" : "give it to pool.session()";
      throw new SkepError("invalid-argument", `A session's run has no ${key}: ${instead}.`);
    }
  }

  obstacle(run: Run): SkepError | undefined {
    return this.#end && this.#endedError(this.#surroundings.core.settlement.receipt(run));
  }

  enqueue(run: Run): void {
    this.#line.push(run);
    this.#advance();
  }

  remove(run: Run): void {
    const index = this.#line.indexOf(run);
    if (index >= 0) this.#line.splice(index, 1);
  }

  takeBack(run: Run): boolean {
    if (this.#end !== undefined) return false;
    if (this.#current === run) this.#current = undefined;
    this.#line.unshift(run);
    // Not before its worker's other runs have been seen to.
    queueMicrotask(() => this.#advance());
    return true;
  }

  isOn(worker: object): boolean {
    return this.#link === worker;
  }

  untilGone(listener: () => void): void {
    this.#goneListeners.add(listener);
  }

  onRunSettled(run: Run, code: SkepErrorCode | undefined): void {
    if (this.#current !== run) return;
    this.#afterRun = this.#conclude(code).finally(() => {
      this.#current = undefined;
      this.#advance();
    });
  }

  /** Does something while no run is in the session. */
  perform<Result>(act: () => Promise<Result>, isUrgent = false): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#endedError());
        return;
      }
      const task: Task = {
        act: () => act().then(resolve, reject),
        giveUp: reject,
      };
      if (isUrgent) this.#line.unshift(task);
      else this.#line.push(task);
      this.#advance();
    });
  }

  /** Makes sure that the session is in a worker. */
  open(): Promise<void> {
    return this.perform(async () => void (await this.#place()));
  }

  /** What the session is at the moment. */
  capture(): Promise<PackedState> {
    return this.perform(() => this.#packed());
  }

  /** Another session in the same worker, or one that begins with the same stored state. */
  fork(): Promise<SessionLine> {
    return this.perform(async () => {
      const twin = new SessionLine(this.#surroundings, this.#settings, this.manifest, this.#stored);
      if (this.#link !== undefined) {
        await twin.#openOn(this.#link, { type: "session", sessionId: this.id });
      }
      this.#surroundings.onOpened(twin);
      twin.#advance();
      return twin;
    });
  }

  /** Leaves its worker, which is to end, for another; to be found there by the next run. */
  async leave(): Promise<void> {
    await this.perform(async () => {
      if (this.#link !== undefined) await this.#store(false);
    }, true).catch(() => {});
  }

  /** Refuses new runs, gives up what waits, and frees the sandbox when the run in it has settled. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#finish({ code: "closed", message: `Session ${this.id} is closed.` });
    if (this.#current instanceof Object && "target" in this.#current) await this.#settledCurrent();
    const link = this.#link;
    this.#leaveLink();
    this.#surroundings.onGone(this);
    await link
      ?.request(
        "close a session",
        () => link.handle.control.closeSession(this.id),
        this.#patienceMs,
        true,
      )
      .catch(() => {});
  }

  /** Its state is lost: everything that is asked of it from now on is refused. */
  end(reason: string): void {
    if (this.#end !== undefined) return;
    const message = `Session ${this.id} has ended: ${reason}`;
    this.#finish({ code: "session-ended", message });
    const link = this.#link;
    this.#leaveLink();
    this.#surroundings.onGone(this);
    void link
      ?.request(
        "close a session",
        () => link.handle.control.closeSession(this.id),
        this.#patienceMs,
        true,
      )
      .catch(() => {});
    this.#surroundings.core.events.emit("session-ended", { sessionId: this.id, reason });
  }

  /** Its worker is gone. */
  lost(reason: string): void {
    this.#leaveLink();
    // Nothing has happened in it: it is opened elsewhere.
    if (!this.#isOpened) return;
    if (this.#checkpoint === undefined) {
      const hint = 'With checkpoint: "each-run" a session survives that.';
      this.end(`its worker was lost (${reason}). ${hint}`);
    } else this.#restoreCheckpoint();
  }

  get #patienceMs(): number {
    return this.#surroundings.core.settings.startTimeoutMs;
  }

  #endedError(receipt?: ReturnType<PoolCore["settlement"]["receipt"]>): SkepError {
    const { code, message } = this.#end ?? { code: "session-ended", message: "" };
    return new SkepError(code, message, { receipt });
  }

  #finish(end: SessionEnd): void {
    this.#end = end;
    this.#cancelIdle?.();
    const { dispatcher, settlement } = this.#surroundings.core;
    for (const item of this.#line.splice(0)) {
      if ("target" in item)
        dispatcher.failInSession(item, this.#endedError(settlement.receipt(item)));
      else item.giveUp(this.#endedError());
    }
    this.#stored = undefined;
    this.#checkpoint = undefined;
  }

  #settledWaiters: (() => void)[] = [];

  #settledCurrent(): Promise<void> {
    return new Promise((resolve) => this.#settledWaiters.push(resolve));
  }

  #leaveLink(): void {
    if (this.#link !== undefined) this.#link.sessionCount--;
    this.#link = undefined;
    for (const listener of this.#goneListeners) listener();
    this.#goneListeners.clear();
  }

  #advance(): void {
    if (this.#current !== undefined) return;
    if (this.#end !== undefined) {
      for (const resolve of this.#settledWaiters.splice(0)) resolve();
      return;
    }
    const next = this.#line.shift();
    if (next === undefined) {
      this.#watchIdle();
      return;
    }
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#current = next;
    if ("target" in next) void this.#send(next);
    else {
      void next.act().finally(() => {
        this.#current = undefined;
        this.#advance();
      });
    }
  }

  async #send(run: Run): Promise<void> {
    const { dispatcher, settlement } = this.#surroundings.core;
    try {
      const link = await this.#place();
      if (run.phase === "queued" && this.#current === run) dispatcher.sendInSession(run, link);
    } catch (error) {
      if (run.phase !== "queued") return;
      const receipt = settlement.receipt(run);
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The session's sandbox could not be opened: ${reason}`;
      const refusal = new SkepError("worker-lost", message, { receipt, cause: error });
      dispatcher.failInSession(run, this.#end === undefined ? refusal : this.#endedError(receipt));
    }
  }

  /** The worker that has the session; opens it in one when none has. */
  async #place(): Promise<WorkerLink> {
    for (let attempt = 1; ; attempt++) {
      if (this.#link !== undefined) return this.#link;
      const link = await this.#surroundings.chooseWorker();
      if (this.#end !== undefined) throw this.#endedError();
      try {
        const stored = this.#stored;
        const state = stored && (await unpack(stored));
        await this.#openOn(
          link,
          state === undefined ? { type: "image" } : { type: "state", state },
        );
        this.#stored = undefined;
        if (stored !== undefined) {
          const { workerId } = link;
          this.#surroundings.core.events.emit("session-woken", { sessionId: this.id, workerId });
        }
        return link;
      } catch (error) {
        if (!(error instanceof WorkerGoneError) || attempt === OPENING_ATTEMPTS) throw error;
      }
    }
  }

  async #openOn(link: WorkerLink, from: OpenSession["from"]): Promise<void> {
    const { limits, onLimit } = this.#settings;
    const request: OpenSession = {
      sessionId: this.id,
      memoryBytes: limits.memoryBytes,
      rollsBack: onLimit === "rollback",
      from,
    };
    // Before anything is waited for: a worker that is to end must not go before this one.
    link.sessionCount++;
    this.#link = link;
    try {
      await link.request(
        "open a session",
        () => link.handle.control.openSession(request),
        this.#patienceMs,
        true,
      );
      this.#isOpened = true;
    } catch (error) {
      if (this.#link === link) this.#leaveLink();
      throw error;
    }
  }

  /** What follows a run: the session ends, goes back to its checkpoint, or is photographed. */
  async #conclude(code: SkepErrorCode | undefined): Promise<void> {
    const { onLimit, checkpoint } = this.#settings;
    if (this.#end !== undefined || this.#link === undefined) return;
    if (code === "worker-lost") {
      // The engine failed under the run, and its memory cannot be trusted any more.
      if (this.#checkpoint === undefined) {
        this.end('the engine failed under a run. With checkpoint: "each-run" it survives that.');
        return;
      }
      const link = this.#link;
      this.#leaveLink();
      this.#restoreCheckpoint();
      await link
        .request(
          "close a session",
          () => link.handle.control.closeSession(this.id),
          this.#patienceMs,
          true,
        )
        .catch(() => {});
      return;
    }
    const reachedLimit = code !== undefined && LIMIT_CODES.has(code);
    if (reachedLimit && onLimit === "end") {
      this.end(`a run ended with "${code}", and onLimit is "end".`);
      return;
    }
    if (checkpoint === "each-run" && !reachedLimit) {
      this.#checkpoint = (await this.#captured(false).catch(() => undefined)) ?? this.#checkpoint;
    }
  }

  #restoreCheckpoint(): void {
    const state = this.#checkpoint;
    if (state !== undefined) this.#stored = { state };
  }

  async #captured(ifQuiet: boolean): Promise<SessionState | undefined> {
    const link = await this.#place();
    return link.request(
      "give a session's state",
      () => link.handle.control.captureSession(this.id, ifQuiet),
      this.#patienceMs,
      true,
    );
  }

  async #packed(): Promise<PackedState> {
    if (this.#stored !== undefined && this.#link === undefined) return this.#stored;
    const state = await this.#captured(false);
    if (state === undefined) throw new Error("The worker has no state of the session.");
    return { state };
  }

  /** Hibernates once nothing was asked of it for a while. */
  #watchIdle(): void {
    const { idleMs } = this.#settings;
    if (idleMs === 0 || this.#link === undefined || this.#cancelIdle !== undefined) return;
    const { clock } = this.#surroundings.core;
    const task = (): void => {
      this.#cancelIdle = undefined;
      if (this.#line.length > 0 || this.#current !== undefined) return;
      this.perform(() => this.#store(true)).catch(() => {});
    };
    this.#cancelIdle = clock.schedule(idleMs, task, { keepAlive: false });
  }

  /** Takes the session's state out of its worker. */
  async #store(ifQuiet: boolean): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    const state = await this.#captured(ifQuiet);
    // It waits for the host, whose answer would not find it.
    if (state === undefined) return;
    const { workerId } = link;
    const stored = await pack(state, this.#surroundings.baseFor(state, this.manifest.revision));
    if (this.#link !== link) return;
    this.#stored = stored;
    this.#leaveLink();
    await link
      .request(
        "close a session",
        () => link.handle.control.closeSession(this.id),
        this.#patienceMs,
        true,
      )
      .catch(() => {});
    const { core } = this.#surroundings;
    const size = storedBytes(stored);
    core.events.emit("session-hibernated", { sessionId: this.id, workerId, storedBytes: size });
    core.supervisor.reviewRetiring(link);
  }
}
