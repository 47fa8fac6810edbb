/** One place for a worker, whoever sits in it: its state, and how often it was replaced. */
import type { EventEmitter } from "./events.ts";
import type { WorkerLink } from "./worker-link.ts";
import { nextWorkerState, type WorkerIncident, type WorkerState } from "./worker-state.ts";

export class Seat {
  state: WorkerState = "starting";
  /** The worker in it, or the one that was last. */
  workerId = 0;
  /** Open from the moment the pipe is, until the worker is lost. */
  link: WorkerLink | undefined;
  /** The worker that is to take it over, while it starts. */
  successor: WorkerLink | undefined;
  /** Restarts that count against the budget. */
  attempt = 0;
  /** All restarts. */
  restarts = 0;
  /** When the worker became ready; undefined before. */
  readySinceMs: number | undefined;
  /** Why nobody can sit here yet, where others give workers and have none. */
  waitsFor: string | undefined;
  /** Cancels the restart that is due. */
  cancelRestart: (() => void) | undefined;

  constructor(readonly events: EventEmitter) {}

  /** Whether a worker sits here that has installed the registry. */
  get isUp(): boolean {
    return this.state === "ready" || this.state === "degraded";
  }

  /** Restarts used up; none any more once the worker has been ready for `healthyAfterMs`. */
  usedAttempts(now: number, healthyAfterMs: number): number {
    const upMs = this.readySinceMs === undefined ? 0 : now - this.readySinceMs;
    return this.readySinceMs !== undefined && upMs >= healthyAfterMs ? 0 : this.attempt;
  }

  /** Changes the state, and reports it when it did change. */
  apply(incident: WorkerIncident, reason: string): void {
    const from = this.state;
    this.state = nextWorkerState(from, incident);
    if (this.state === from) return;
    const { workerId, state: to } = this;
    this.events.emit("worker-state", { workerId, from, to, reason });
  }
}
