/** Keeps the pool's seats taken: opens workers, notices their end, restarts them. */
import type { WorkerHandle } from "../environments/contract.ts";
import { SkepError } from "../errors.ts";
import type { InstallFailure } from "../protocol/control.ts";
import { createInstallError } from "./install-error.ts";
import type { Explain } from "./place.ts";
import type { Registry } from "../registry/registry.ts";
import { restartDelayMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import type { Launch } from "./launch.ts";
import type { PoolSettings } from "./options.ts";
import { Seat } from "./seat.ts";
import { SharedStart } from "./shared-start.ts";
import { type LinkListener, WorkerLink } from "./worker-link.ts";

export interface SupervisorOptions {
  settings: PoolSettings;
  engineModule: WebAssembly.Module;
  /** Has the first workers. */
  launch: Launch;
  registry: Registry;
  explain: Explain;
  clock: Clock;
  events: EventEmitter;
  random: () => number;
  /** The highest number that was given to a worker before; 0 is none. */
  lastWorkerId: number;
  listener: LinkListener;
  /** A worker takes runs from now on. */
  onReady(link: WorkerLink): void;
  /** A worker that was up is gone. Called before its seat is restarted. */
  onLost(link: WorkerLink, loss: WorkerLoss): void;
  /** No worker is left and none will come. */
  onExhausted(reason: string): void;
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
  readonly #sharedStart = new SharedStart();
  #lastWorkerId: number;
  #isStopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
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

  /** The oldest revision a worker has, those that are still starting included. */
  oldestRevision(): number {
    const revisions = this.seats.flatMap(({ link }) => (link === undefined ? [] : [link.revision]));
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

  /** Ends a worker that was lost or must go, and sees to its replacement. */
  lose(link: WorkerLink, loss: WorkerLoss): void {
    const seat = this.seats.find((candidate) => candidate.link === link);
    if (seat === undefined || !link.isAlive) return;
    const wasUp = seat.isUp;
    link.end(loss.reason);
    // Ended before it is told: what its end brings about must not reach it.
    void link.handle.terminate().catch(() => {});
    // A worker that was still starting is reported by its own start, which has just failed.
    if (!wasUp) return;
    seat.link = undefined;
    const { exitCode, reason, cause } = loss;
    const { workerId } = link;
    const runs = link.inFlightCount;
    this.#options.events.emit("worker-lost", { workerId, reason, exitCode, cause, runs });
    seat.attempt = seat.usedAttempts(
      this.#options.clock.now(),
      this.#restartOptions.healthyAfterMs,
    );
    seat.readySinceMs = undefined;
    seat.apply("lost", reason);
    if (loss.isDeliberate === true) this.#schedule(seat, seat.attempt, 0);
    else this.#scheduleRestart(seat, reason);
    this.#options.onLost(link, loss);
    this.#reportIfExhausted(reason);
  }

  /** Tells a worker that something in it is past its limits, or no longer is. */
  mark(link: WorkerLink, incident: "suspected" | "recovered", reason: string): void {
    this.seats.find((seat) => seat.link === link)?.apply(incident, reason);
  }

  /** Ends all workers at once. */
  async stop(reason: string): Promise<void> {
    this.#isStopped = true;
    const ends = this.seats.map(async (seat) => {
      seat.cancelRestart?.();
      const { link } = seat;
      seat.link = undefined;
      seat.apply("closed", reason);
      if (link === undefined) return;
      link.end(reason);
      await link.handle.terminate().catch(() => {});
      this.#options.events.emit("worker-ended", { workerId: link.workerId });
    });
    this.#wakeWaiting();
    await Promise.all(ends);
  }

  #wakeWaiting(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  get #restartOptions(): PoolSettings["restart"] {
    return this.#options.settings.restart;
  }

  /** Opens a worker for a seat. Rejects with the reason when it does not become ready. */
  async #open(seat: Seat): Promise<void> {
    const { settings, events, registry, clock } = this.#options;
    const workerId = ++this.#lastWorkerId;
    seat.workerId = workerId;
    events.emit("worker-spawned", { workerId, attempt: seat.attempt });
    const handle = await this.#openHandle(workerId);
    const { startTimeoutMs } = settings;
    const link = new WorkerLink(workerId, handle, settings, clock, this.#options.listener);
    seat.link = link;
    handle.onEnd = ({ reason, exitCode, cause }) => this.lose(link, { reason, exitCode, cause });
    try {
      if (this.#isStopped) throw stoppedError();
      await this.#initialise(link, startTimeoutMs);
      // A definition may be made while this worker installs the ones before it.
      while (link.revision < registry.revision) await this.#installMissing(link);
    } catch (error) {
      link.end(`Worker ${workerId} could not start.`);
      if (seat.link === link) seat.link = undefined;
      await handle.terminate().catch(() => {});
      throw startError(workerId, error, this.#options.explain);
    }
    seat.readySinceMs = clock.now();
    seat.apply("started", "The registry is installed.");
    events.emit("worker-ready", { workerId });
    this.#options.onReady(link);
    this.#wakeWaiting();
    // Wakes up to runs again; until then an idle worker lets the process exit.
    if (link.isIdle) link.keepProcess(false);
  }

  /** Opens the pipe, and closes it again when it opens too late. */
  #openHandle(workerId: number): Promise<WorkerHandle> {
    const { settings, launch, clock } = this.#options;
    const { environment, startTimeoutMs } = settings;
    const slots = settings.maxInFlightPerWorker + settings.maxParkedPerWorker;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancelTimeout = clock.schedule(startTimeoutMs, () => {
        isLate = true;
        const message = `Worker ${workerId} did not load within ${startTimeoutMs} ms.`;
        reject(new SkepError("unsupported-environment", message));
      });
      const opening = launch.take(workerId) ?? environment.open({ workerId, slots });
      opening.then(
        (handle) => {
          cancelTimeout();
          if (isLate) void handle.terminate().catch(() => {});
          else resolve(handle);
        },
        (error: Error) => {
          cancelTimeout();
          reject(error);
        },
      );
    });
  }

  async #initialise(link: WorkerLink, timeoutMs: number): Promise<void> {
    const { settings, engineModule } = this.#options;
    const { engine, isolation, limits, installTimeoutMs, environment, webApis, fetch } = settings;
    await this.#sharedStart.initialise((start) =>
      link.request(
        "start its engine",
        () =>
          link.handle.control.initialise({
            engine,
            engineModule,
            isolation,
            limits,
            webApis,
            fetch,
            installTimeoutMs,
            signals: link.handle.signals?.buffer,
            stackBytes: environment.stackBytes[engine],
            start,
          }),
        timeoutMs,
      ),
    );
  }

  async #installMissing(link: WorkerLink): Promise<void> {
    const { registry, settings } = this.#options;
    const change = registry.changeSince(link.revision);
    const result = await link.install(change, settings.installTimeoutMs + settings.limits.graceMs);
    if (!result.ok) throw new InstallRefusal(result.failure);
  }

  /** Restarts a seat whose worker could not start. */
  #restart(seat: Seat, error: unknown): void {
    if (this.#isStopped) return;
    const reason = error instanceof Error ? error.message : String(error);
    seat.apply("lost", reason);
    const { workerId, attempt } = seat;
    const exhausted = attempt >= this.#restartOptions.maxPerWorker;
    this.#options.events.emit("worker-restart-failed", { workerId, attempt, reason, exhausted });
    this.#scheduleRestart(seat, reason);
    this.#reportIfExhausted(reason);
  }

  #scheduleRestart(seat: Seat, reason: string): void {
    const { events, random } = this.#options;
    const { maxPerWorker } = this.#restartOptions;
    const { workerId } = seat;
    if (seat.attempt >= maxPerWorker) {
      seat.apply("exhausted", reason);
      events.emit("worker-restarts-exhausted", { workerId, maxPerWorker });
      return;
    }
    const attempt = seat.attempt + 1;
    this.#schedule(seat, attempt, restartDelayMs(attempt, this.#restartOptions, random));
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
      this.#open(seat).then(
        () => {
          seat.restarts++;
          const { workerId } = seat;
          events.emit("worker-restarted", { workerId, previousWorkerId, attempt });
        },
        (error: unknown) => this.#restart(seat, error),
      );
    });
  }

  #reportIfExhausted(reason: string): void {
    if (this.#isStopped || this.seats.some((seat) => seat.state !== "stopped")) return;
    this.#options.onExhausted(reason);
    this.#wakeWaiting();
  }
}

/** Carries a worker's refusal of the registry through its start. */
class InstallRefusal extends Error {
  constructor(readonly failure: InstallFailure) {
    super(failure.message);
  }
}

function startError(workerId: number, error: unknown, explain: Explain): SkepError {
  if (error instanceof InstallRefusal) {
    return createInstallError([{ workerId, failure: error.failure }], explain);
  }
  if (error instanceof SkepError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SkepError("unsupported-environment", `Worker ${workerId} could not start: ${reason}`, {
    cause: error,
  });
}

function stoppedError(): SkepError {
  return new SkepError("closed", "The pool was closed while a worker was starting.");
}
