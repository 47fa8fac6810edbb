/**
 * One session: the line of what is to happen in it. Runs and everything else (snapshots, forks,
 * hibernation) happen one after the other, in the order they were asked for.
 */
import { LIMIT_CODES } from "./limit-codes.ts";
import { SkepError, type SkepErrorCode } from "../errors.ts";
import type { RegistryChange } from "../protocol/control.ts";
import type { PoolCore } from "./core.ts";
import type { Limits } from "./limits.ts";
import type { Run, RunOptions, RunSession } from "./run.ts";
import type { PackedState } from "./session-pack.ts";
import type { SessionSettings } from "./session-options.ts";
import {
  type KeptState,
  type PlaceSurroundings,
  SessionPlace,
  type SessionStart,
} from "./session-place.ts";

/** Something to be done in a session besides runs. */
interface Task {
  act(): Promise<void>;
  /** The session ended before it came to that. */
  giveUp(error: SkepError): void;
}

/** Errors of runs after which a session with `onLimit: "end"` ends. */
const ENDING: ReadonlySet<SkepErrorCode> = /*#__PURE__*/ new Set<SkepErrorCode>([
  ...LIMIT_CODES,
  "aborted",
]);

/** Errors that a run came to by itself, so that its session keeps what it did before. */
const OWN_ENDS: ReadonlySet<SkepErrorCode> = /*#__PURE__*/ new Set<SkepErrorCode>([
  "guest-error",
  "not-marshallable",
  "unknown-function",
  "invalid-argument",
  "missing-dependency",
]);

/** What the sessions of a pool share. */
export interface SessionSurroundings extends PlaceSurroundings {
  nextSessionId(): number;
  onOpened(line: SessionLine): void;
  onGone(line: SessionLine): void;
}

/** Why a session takes nothing any more. */
interface SessionEnd {
  code: SkepErrorCode;
  message: string;
}

export class SessionLine implements RunSession {
  readonly id: number;
  readonly #surroundings: SessionSurroundings;
  readonly #settings: SessionSettings;
  readonly #place: SessionPlace;
  readonly #line: (Run | Task)[] = [];
  /** The run or task whose turn it is. */
  #current: Run | Task | undefined;
  /** Settles when it is certain where the current run goes. */
  #entering: Promise<unknown> = Promise.resolve();
  /** Who waits for the current run or task to be through, because the session is closed. */
  readonly #closers: (() => void)[] = [];
  /** What it was after its last run, or at its beginning, where that is kept. */
  #checkpoint: KeptState | undefined;
  /** Why it takes nothing any more. */
  #end: SessionEnd | undefined;
  #closing: Promise<void> | undefined;
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
    this.#place = new SessionPlace(surroundings, settings, this.id, start);
    if (settings.checkpoint === "each-run") this.#checkpoint = start.kept;
  }

  get limits(): Limits {
    return this.#settings.limits;
  }

  get state(): "active" | "hibernated" | "ended" {
    if (this.#end !== undefined) return "ended";
    return this.#place.link === undefined ? "hibernated" : "active";
  }

  /** The worker that has its sandbox; undefined while none has. */
  get workerId(): number | undefined {
    return this.#place.link?.workerId;
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
    return this.#place.link === worker;
  }

  untilGone(listener: () => void): () => void {
    return this.#place.untilGone(listener);
  }

  keepsAfter(code: SkepErrorCode): boolean {
    return OWN_ENDS.has(code);
  }

  onRunSettled(run: Run, code: SkepErrorCode | undefined): void {
    if (this.#current !== run) return;
    // One that was in no worker has left no trace; but where it was to go is still being settled.
    const follow = run.worker === undefined ? this.#entering : this.#conclude(code);
    if (run.worker !== undefined) this.#afterRun = follow as Promise<void>;
    void follow.finally(() => this.#next());
  }

  /** Does something while no run is in the session. */
  perform<Result>(act: () => Promise<Result>, isUrgent = false): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#endedError());
        return;
      }
      // Whatever stood in its way: it was taken away from it.
      const fail = (error: Error): void => {
        reject(this.#end === undefined ? error : this.#endedError());
      };
      const task: Task = { act: () => act().then(resolve, fail), giveUp: reject };
      if (isUrgent) this.#line.unshift(task);
      else this.#line.push(task);
      this.#advance();
    });
  }

  /** Makes sure that the session is in a worker, and can be gone back to. */
  open(): Promise<void> {
    return this.perform(async () => {
      await this.#place.enter();
      if (this.#settings.checkpoint === "each-run" && this.#checkpoint === undefined) {
        this.#checkpoint = this.#place.keep(await this.#place.packed());
      }
    });
  }

  /** What the session is at the moment. */
  capture(): Promise<PackedState> {
    return this.perform(() => this.#place.packed());
  }

  /** Another session in the same worker, or one that begins with the same stored state. */
  fork(): Promise<SessionLine> {
    return this.perform(async () => {
      const { link, isOpen, start } = this.#place;
      const twin = new SessionLine(this.#surroundings, this.#settings, this.manifest, start);
      twin.#checkpoint = this.#checkpoint;
      // Before it is opened: its worker may be lost or have to go meanwhile.
      this.#surroundings.onOpened(twin);
      try {
        if (link !== undefined && isOpen) {
          const from = { type: "session", sessionId: this.id } as const;
          await twin.perform(() => twin.#place.openOn(link, from));
        }
      } catch (error) {
        void twin.close();
        throw error;
      }
      return twin;
    });
  }

  /** Leaves its worker, which is to end, for another; to be found there by the next run. */
  async leave(): Promise<void> {
    await this.perform(() => this.#store(false), true).catch(() => {});
  }

  /** Refuses new runs, gives up what waits, and frees the sandbox when what is in it is through. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Its state is lost: everything that is asked of it from now on is refused. */
  end(reason: string): void {
    if (this.#end !== undefined) return;
    const message = `Session ${this.id} has ended: ${reason}`;
    this.#finish({ code: "session-ended", message });
    void this.#place.giveUp();
    this.#surroundings.onGone(this);
    this.#surroundings.core.events.emit("session-ended", { sessionId: this.id, reason });
  }

  /** Its worker is gone. */
  lost(reason: string): void {
    // One that was on its way is what it was before, and tries another worker.
    if (!this.#place.lose()) return;
    if (this.#checkpoint === undefined) {
      const hint = 'With checkpoint: "each-run" a session survives that.';
      this.end(`its worker was lost (${reason}). ${hint}`);
    } else void this.#place.goBack(this.#checkpoint);
  }

  async #close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#finish({ code: "closed", message: `Session ${this.id} is closed.` });
    // What is only on its way to a worker need not be waited for.
    if (this.#current !== undefined && this.#place.isOpen) {
      await new Promise<void>((resolve) => this.#closers.push(resolve));
    }
    await this.#place.giveUp();
    this.#surroundings.onGone(this);
  }

  #endedError(receipt?: ReturnType<PoolCore["settlement"]["receipt"]>): SkepError {
    const { code, message } = this.#end ?? { code: "session-ended", message: "" };
    return new SkepError(code, message, { receipt });
  }

  #finish(end: SessionEnd): void {
    this.#end = end;
    this.#cancelIdle?.();
    const { dispatcher, settlement } = this.#surroundings.core;
    const waiting = this.#line.splice(0);
    const current = this.#current;
    // It has its turn, and is not in the sandbox yet.
    if (current !== undefined && "target" in current && current.phase === "queued") {
      waiting.unshift(current);
    }
    for (const item of waiting) {
      if ("target" in item)
        dispatcher.failInSession(item, this.#endedError(settlement.receipt(item)));
      else item.giveUp(this.#endedError());
    }
    this.#checkpoint = undefined;
  }

  /** What had its turn is through. */
  #next(): void {
    this.#current = undefined;
    this.#advance();
  }

  #advance(): void {
    if (this.#current !== undefined) return;
    if (this.#end !== undefined) {
      for (const resolve of this.#closers.splice(0)) resolve();
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
    else void next.act().finally(() => this.#next());
  }

  async #send(run: Run): Promise<void> {
    const { dispatcher, settlement } = this.#surroundings.core;
    const entering = this.#place.enter();
    this.#entering = entering.catch(() => {});
    try {
      const link = await entering;
      if (run.phase !== "queued" || this.#current !== run) return;
      // It was lost as soon as it had the session.
      if (this.#place.link !== link) await this.#send(run);
      else dispatcher.sendInSession(run, link);
    } catch (error) {
      if (run.phase !== "queued") return;
      const receipt = settlement.receipt(run);
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The session's sandbox could not be opened: ${reason}`;
      dispatcher.failInSession(
        run,
        new SkepError("worker-lost", message, { receipt, cause: error }),
      );
    }
  }

  /** What follows a run: the session ends, goes back to its checkpoint, or is photographed. */
  async #conclude(code: SkepErrorCode | undefined): Promise<void> {
    const { onLimit, checkpoint } = this.#settings;
    if (this.#end !== undefined) return;
    const reachedLimit = code !== undefined && ENDING.has(code);
    if (reachedLimit && onLimit === "end") {
      this.end(`a run ended with "${code}", and onLimit is "end".`);
      return;
    }
    // It has been lost with its worker, and has gone back to its checkpoint.
    if (!this.#place.isOpen) return;
    if (code === "worker-lost") {
      // The engine failed under the run, and its memory cannot be trusted any more.
      if (this.#checkpoint !== undefined) await this.#place.goBack(this.#checkpoint);
      else this.end('the engine failed under a run. With checkpoint: "each-run" it survives that.');
      return;
    }
    if (checkpoint === "each-run" && !reachedLimit) await this.#keepCheckpoint();
  }

  async #keepCheckpoint(): Promise<void> {
    try {
      const checkpoint = this.#place.keep(await this.#place.packed());
      if (this.#end === undefined) this.#checkpoint = checkpoint;
    } catch (error) {
      if (this.#end !== undefined) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#surroundings.core.events.emit("warning", {
        name: "checkpoint-failed",
        message: `Session ${this.id} keeps the checkpoint from before its last run: ${reason}`,
      });
    }
  }

  /** Hibernates once nothing was asked of it for a while. */
  #watchIdle(): void {
    const { idleMs } = this.#settings;
    if (idleMs === 0 || this.#place.link === undefined || this.#cancelIdle !== undefined) return;
    const { clock } = this.#surroundings.core;
    const task = (): void => {
      this.#cancelIdle = undefined;
      this.perform(() => this.#store(true)).catch(() => {});
    };
    this.#cancelIdle = clock.schedule(idleMs, task, { keepAlive: false });
  }

  async #store(ifQuiet: boolean): Promise<void> {
    const kept = await this.#place.store(ifQuiet, this.manifest.revision);
    // One copy will do, and this is the smaller one.
    if (kept !== undefined && this.#checkpoint !== undefined) this.#checkpoint = kept;
  }
}
