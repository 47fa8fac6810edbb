/** Keeps the pool's seats taken: opens workers, notices their end, restarts them. */
import { messageOf, SkepError } from "../errors.ts";
import { restartDelayMs } from "./backoff.ts";
import type { EventEmitter } from "./events.ts";
import type { PoolSettings } from "./options.ts";
import { Seat } from "./seat.ts";
import type { WorkerLink } from "./worker-link.ts";
import { type StartListener, WorkerStart, type WorkerStartOptions } from "./worker-start.ts";

export interface SupervisorOptions extends WorkerStartOptions {
  events: EventEmitter;
  random: () => number;
  /** The highest number that was given to a worker before; 0 is none. */
  lastWorkerId: number;
  /** A worker takes runs from now on. */
  onReady(link: WorkerLink): void;
  /** A worker that was up is gone. Called before its seat is restarted. */
  onLost(link: WorkerLink, loss: WorkerLoss): void;
  /** A worker gets no more runs, and goes when it has none left. */
  onRetired(link: WorkerLink): void;
  /** No worker is left and none will come; `hasWaited`: not even for a while. */
  onExhausted(reason: string, hasWaited: boolean): void;
}

/** How a worker came to its end. */
export interface WorkerLoss {
  reason: string;
  exitCode?: number | undefined;
  /**
   * True when the pool ended it on purpose, because of a run or a definition: that says nothing
   * about the worker, so the replacement comes at once and costs no restart.
   */
  isDeliberate?: boolean | undefined;
  /** What the worker threw, where it ended by that. */
  cause?: unknown;
  detail?: unknown;
}

export class Supervisor {
  readonly seats: Seat[] = [];
  readonly #options: SupervisorOptions;
  /** Who waits for a worker to be up, or for the certainty that none will be. */
  readonly #waiting = new Set<() => void>();
  /** Workers that have left their seats and have runs to finish. */
  readonly #retiring = new Set<WorkerLink>();
  readonly #start: WorkerStart;
  readonly #stopping = new AbortController();
  #lastWorkerId: number;
  #isStopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#start = new WorkerStart(options);
    this.#lastWorkerId = options.lastWorkerId;
  }

  /** The highest number a worker has. */
  get lastWorkerId(): number {
    return this.#lastWorkerId;
  }

  /** Workers that are up, in ascending order of their ids. */
  upLinks(): WorkerLink[] {
    return this.seats
      .flatMap((seat) => (seat.isUp && seat.link !== undefined ? [seat.link] : []))
      .sort((left, right) => left.workerId - right.workerId);
  }

  /** All workers that may have runs: beside those that are up, those that finish what they have. */
  workingLinks(): WorkerLink[] {
    return this.#retiring.size === 0 ? this.upLinks() : [...this.upLinks(), ...this.#retiring];
  }

  /** The oldest revision a worker has that follows the registry, or will. */
  oldestRevision(): number {
    const revisions = this.seats.flatMap(({ link, successor }) =>
      [link, successor].flatMap((open) => (open === undefined ? [] : [open.revision])),
    );
    return revisions.length === 0 ? this.#options.registry.revision : Math.min(...revisions);
  }

  /** Throws once the workers were stopped or their restarts are used up. */
  checkOpen(): void {
    if (this.#isStopped) throw new SkepError("closed", "The pool is closed.");
    if (this.seats.length > 0 && this.seats.every((seat) => seat.state === "stopped")) {
      throw new SkepError("worker-lost", "No worker is left: all restarts are used up.");
    }
  }

  /** Waits until a worker is up, where there are to be any. Rejects when none will be. */
  async someoneUp(): Promise<void> {
    this.checkOpen();
    while (this.seats.length > 0 && !this.seats.some((seat) => seat.isUp)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      this.checkOpen();
    }
  }

  /**
   * Opens the first workers. Resolves when each is ready or has failed; rejects, with nothing left
   * running, when none could start.
   */
  async start(count: number): Promise<void> {
    for (let index = 0; index < count; index++) this.seats.push(new Seat(this.#options.events));
    const starts = await Promise.allSettled(this.seats.map((seat) => this.#open(seat)));
    const failures = starts.flatMap((start) => (start.status === "rejected" ? [start.reason] : []));
    if (failures.length === count) {
      await this.stop("No worker could start.");
      throw failures[0];
    }
    for (const [index, start] of starts.entries()) {
      const seat = this.seats[index];
      if (start.status === "rejected" && seat !== undefined) this.#restart(seat, start.reason);
    }
  }

  /**
   * Opens one worker more. Resolves when it is ready; or when it has failed, which is then seen to
   * as at the start.
   */
  async grow(): Promise<void> {
    if (this.#isStopped) return;
    const seat = new Seat(this.#options.events);
    this.seats.push(seat);
    await this.#open(seat).catch((error: unknown) => this.#restart(seat, error));
  }

  /** Ends a worker that was lost or must go, and sees to its replacement. */
  lose(link: WorkerLink, loss: WorkerLoss): void {
    if (!link.isAlive) return;
    const seat = this.seats.find((candidate) => candidate.link === link);
    const isRetiring = this.#retiring.delete(link);
    link.end(loss.reason);
    // Ended before it is told: what its end brings about must not reach it.
    void link.handle.terminate().catch(() => {});
    // A worker that was still starting is reported by its own start, which has just failed.
    if (seat?.isUp !== true && !isRetiring) return;
    const { exitCode, reason, cause } = loss;
    const { workerId } = link;
    const runs = link.inFlightCount;
    this.#options.events.emit("worker-lost", { workerId, reason, exitCode, cause, runs });
    if (seat !== undefined) this.#vacate(seat, loss);
    this.#options.onLost(link, loss);
    this.#reportIfExhausted(reason);
  }

  /** A seat has lost its worker: sees to the next one. */
  #vacate(seat: Seat, { reason, isDeliberate }: WorkerLoss): void {
    seat.link = undefined;
    seat.attempt = seat.usedAttempts(
      this.#options.clock.now(),
      this.#restartOptions.healthyAfterMs,
    );
    seat.readySinceMs = undefined;
    seat.apply("lost", reason);
    if (isDeliberate === true) this.#schedule(seat, seat.attempt, 0);
    else this.#scheduleRestart(seat, reason);
  }

  /**
   * Replaces a worker without losing a run: a new one is opened beside it and takes its seat, and
   * the old one ends when the runs it has are through. Costs no restart. Resolves with whether it
   * came to that; when the new one cannot start, the old one stays.
   */
  async replace(link: WorkerLink, reason: string): Promise<boolean> {
    const seat = this.seats.find((candidate) => candidate.link === link);
    if (seat?.isUp !== true || seat.successor !== undefined || this.#isStopped) return false;
    const workerId = this.#spawn(seat);
    try {
      await this.#start.run(workerId, {
        opened: (successor) => {
          if (this.#isStopped) throw stoppedError();
          seat.successor = successor;
        },
        ready: (successor) => {
          // It has been lost meanwhile, and has a replacement.
          if (seat.link !== link || !seat.isUp) throw supersededError(link.workerId);
          this.#succeed(seat, link, successor, reason);
        },
        lost: (successor, loss) => this.lose(successor, loss),
        leaving: (successor, why) => this.#leave(successor, why),
      });
      return true;
    } catch (error) {
      if (!this.#isStopped) this.#reportStartFailure(workerId, seat.attempt, error, false);
      return false;
    } finally {
      seat.successor = undefined;
    }
  }

  #succeed(seat: Seat, old: WorkerLink, successor: WorkerLink, reason: string): void {
    const { clock, events } = this.#options;
    seat.attempt = seat.usedAttempts(clock.now(), this.#restartOptions.healthyAfterMs);
    seat.link = successor;
    seat.workerId = successor.workerId;
    this.#retiring.add(old);
    seat.apply("recovered", "It replaces a worker past its limits.");
    this.#seated(seat, successor);
    this.#options.onRetired(old);
    const { workerId, inFlightCount: runs } = old;
    events.emit("worker-recycled", { workerId, successorId: successor.workerId, reason, runs });
    this.reviewRetiring(old);
  }

  /** A worker leaves by itself: it finishes what it has, and its seat is given away at once. */
  #leave(link: WorkerLink, reason: string): void {
    const seat = this.seats.find((candidate) => candidate.link === link);
    if (seat?.isUp !== true || this.#isStopped) return;
    this.#retiring.add(link);
    this.#vacate(seat, { reason, isDeliberate: true });
    this.#options.onRetired(link);
    this.reviewRetiring(link);
  }

  /** Ends a worker that has left its seat once its last run has settled. */
  reviewRetiring(link: WorkerLink): void {
    if (!this.#retiring.has(link) || link.inFlightCount + link.sessionCount > 0) return;
    if (link.requests.pendingCount === 0) void this.#retire(link);
  }

  /** Tells a worker that something in it is past its limits, or no longer is. */
  mark(link: WorkerLink, incident: "suspected" | "recovered", reason: string): void {
    this.seats.find((seat) => seat.link === link)?.apply(incident, reason);
  }

  /** Ends all workers at once. */
  async stop(reason: string): Promise<void> {
    this.#isStopped = true;
    this.#stopping.abort();
    const ends = this.seats.map(async (seat) => {
      seat.cancelRestart?.();
      const { link } = seat;
      seat.link = undefined;
      seat.apply("closed", reason);
      if (link !== undefined) await this.#end(link, reason);
    });
    const retired = [...this.#retiring].map((link) => this.#end(link, reason));
    this.#retiring.clear();
    this.#wakeWaiting();
    await Promise.all([...ends, ...retired]);
  }

  /** Ends a worker that is not lost: nobody needs it any more. */
  async #end(link: WorkerLink, reason: string): Promise<void> {
    link.end(reason);
    await link.handle.terminate().catch(() => {});
    this.#options.events.emit("worker-ended", { workerId: link.workerId });
  }

  #wakeWaiting(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  get #restartOptions(): PoolSettings["restart"] {
    return this.#options.settings.restart;
  }

  /**
   * Opens a worker for a seat. Rejects with the reason when it does not become ready. A replacement
   * may wait to be given.
   */
  async #open(seat: Seat, waiting?: (reason: string | undefined) => void): Promise<void> {
    seat.workerId = this.#spawn(seat);
    const listener: StartListener = {
      opened: (link) => {
        if (this.#isStopped) throw stoppedError();
        seat.link = link;
      },
      ready: (link) => {
        seat.apply("started", "The registry is installed.");
        this.#seated(seat, link);
      },
      lost: (link, loss) => this.lose(link, loss),
      leaving: (link, reason) => this.#leave(link, reason),
      waiting,
    };
    try {
      await this.#start.run(seat.workerId, listener, this.#stopping.signal);
    } catch (error) {
      seat.link = undefined;
      throw error;
    }
  }

  #spawn({ attempt }: Seat): number {
    const workerId = ++this.#lastWorkerId;
    this.#options.events.emit("worker-spawned", { workerId, attempt });
    return workerId;
  }

  /** A worker sits in its seat and takes runs. */
  #seated(seat: Seat, link: WorkerLink): void {
    const { clock, events } = this.#options;
    seat.readySinceMs = clock.now();
    events.emit("worker-ready", { workerId: link.workerId });
    this.#options.onReady(link);
    this.#wakeWaiting();
    // Wakes up to runs again; until then an idle worker lets the process exit.
    if (link.isIdle) link.keepProcess(false);
  }

  /** The worker ends once its runs have; it must have left its seat. */
  async #retire(link: WorkerLink): Promise<void> {
    const { settings } = this.#options;
    // Not before it has said so: what is freed by itself is freed at once.
    const shutDown = () => link.handle.control.shutdown();
    await link.requests.make("shut down", shutDown, settings.limits.graceMs).catch(() => {});
    if (this.#retiring.delete(link)) await this.#end(link, "It was recycled.");
  }

  /** Restarts a seat whose worker could not start. */
  #restart(seat: Seat, error: unknown): void {
    if (this.#isStopped) return;
    const { workerId, attempt } = seat;
    // It has waited as long as it may: there is nothing that trying again would change.
    const hasWaited = seat.waitsFor !== undefined;
    seat.waitsFor = undefined;
    const exhausted = hasWaited || attempt >= this.#restartOptions.maxPerWorker;
    const reason = messageOf(error);
    seat.apply("lost", reason);
    this.#reportStartFailure(workerId, attempt, error, exhausted);
    if (exhausted) this.#giveUp(seat, reason);
    else this.#scheduleRestart(seat, reason);
    this.#reportIfExhausted(reason, hasWaited);
  }

  #reportStartFailure(workerId: number, attempt: number, error: unknown, exhausted: boolean): void {
    const reason = messageOf(error);
    this.#options.events.emit("worker-restart-failed", { workerId, attempt, reason, exhausted });
  }

  #scheduleRestart(seat: Seat, reason: string): void {
    if (seat.attempt >= this.#restartOptions.maxPerWorker) return this.#giveUp(seat, reason);
    const attempt = seat.attempt + 1;
    const { random } = this.#options;
    this.#schedule(seat, attempt, restartDelayMs(attempt, this.#restartOptions, random));
  }

  #giveUp(seat: Seat, reason: string): void {
    const { maxPerWorker } = this.#restartOptions;
    const { workerId } = seat;
    seat.apply("exhausted", reason);
    this.#options.events.emit("worker-restarts-exhausted", { workerId, maxPerWorker });
  }

  /** A seat waits for somebody to give it a worker; without a reason it does no longer. */
  #wait(seat: Seat, reason: string | undefined): void {
    seat.waitsFor = reason;
    const { workerId } = seat;
    if (reason !== undefined) this.#options.events.emit("worker-waiting", { workerId, reason });
  }

  #schedule(seat: Seat, attempt: number, delayMs: number): void {
    if (this.#isStopped) return;
    const { events, clock } = this.#options;
    const { workerId: previousWorkerId } = seat;
    seat.attempt = attempt;
    events.emit("worker-restart-scheduled", { workerId: previousWorkerId, attempt, delayMs });
    seat.cancelRestart = clock.schedule(delayMs, () => {
      seat.cancelRestart = undefined;
      seat.apply("respawned", `It replaces worker ${previousWorkerId}.`);
      this.#open(seat, (reason) => this.#wait(seat, reason)).then(
        () => {
          seat.restarts++;
          const { workerId } = seat;
          events.emit("worker-restarted", { workerId, previousWorkerId, attempt });
        },
        (error: unknown) => this.#restart(seat, error),
      );
    });
  }

  #reportIfExhausted(reason: string, hasWaited = false): void {
    if (this.#isStopped || this.seats.some((seat) => seat.state !== "stopped")) return;
    this.#options.onExhausted(reason, hasWaited);
    this.#wakeWaiting();
  }
}

function stoppedError(): SkepError {
  return new SkepError("closed", "The pool was closed while a worker was starting.");
}

function supersededError(workerId: number): SkepError {
  const message = `Worker ${workerId} was lost before its replacement was ready, and has another.`;
  return new SkepError("worker-lost", message);
}
