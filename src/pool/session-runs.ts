/**
 * Accepted runs of sessions: each waits in its session's line, not in the queue, and goes to the
 * worker that has the session.
 */
import type { SkepError } from "../errors.ts";
import type { AdmissionControl } from "./admission-control.ts";
import type { InFlight } from "./in-flight.ts";
import type { Run, RunSession } from "./run.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Settlement } from "./settlement.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface SessionRunsOptions {
  admission: AdmissionControl;
  settlement: Settlement;
  scheduler: Scheduler;
  inFlight: InFlight;
}

export class SessionRuns {
  readonly #options: SessionRunsOptions;
  #waitingCount = 0;
  /** Runs whose turn it is, and whose worker has no room at the moment. */
  readonly #stalled = new Map<Run, WorkerLink>();

  constructor(options: SessionRunsOptions) {
    this.#options = options;
  }

  /** Runs that have not been sent. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Puts an accepted run into its session's line. */
  enqueue(run: Run, session: RunSession): void {
    run.phase = "queued";
    this.#waitingCount++;
    session.enqueue(run);
  }

  /** Sends a run, whose turn it is in its session, to the worker that has the session. */
  send(run: Run, link: WorkerLink): void {
    const { admission, scheduler, inFlight } = this.#options;
    // What it needs may have been undefined meanwhile.
    const obstacle = admission.admit(run);
    if (obstacle !== undefined) this.fail(run, obstacle);
    else if (link.hasRoom(scheduler.isShared)) {
      this.#waitingCount--;
      inFlight.send(run, link);
    } else this.#stalled.set(run, link);
  }

  /** Sends those whose workers have room again. */
  pump(): void {
    if (this.#stalled.size === 0) return;
    for (const [run, link] of this.#stalled) {
      if (!link.hasRoom(this.#options.scheduler.isShared)) continue;
      this.#stalled.delete(run);
      this.send(run, link);
    }
  }

  /** Ends a run that waits and is not in its session's line any more. */
  fail(run: Run, error: SkepError): void {
    this.#waitingCount--;
    this.#stalled.delete(run);
    this.#options.settlement.fail(run, error);
  }

  /** Lets a run that was in a lost worker wait again. False when its session is lost, too. */
  takeBack(run: Run): boolean {
    if (run.session?.takeBack(run) !== true) return false;
    run.phase = "queued";
    run.worker = undefined;
    this.#waitingCount++;
    return true;
  }

  /** The worker is gone: those that waited for room in it wait in line, or end with their session. */
  leave(link: WorkerLink, error: (run: Run) => SkepError): void {
    for (const [run, stalledOn] of this.#stalled) {
      if (stalledOn !== link) continue;
      if (run.session?.takeBack(run) === true) this.#stalled.delete(run);
      else this.fail(run, error(run));
    }
  }

  /** Ends those that wait for room. Sessions see to the others themselves. */
  rejectStalled(error: (run: Run) => SkepError): void {
    for (const run of Array.from(this.#stalled.keys())) this.fail(run, error(run));
  }
}
