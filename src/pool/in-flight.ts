/** Runs in flight, on whatever worker: sent, and not back yet. */
import type { RunCost } from "../protocol/messages.ts";
import type { EventEmitter } from "./events.ts";
import type { Run } from "./run.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Ids are positive 32-bit numbers on the wire and in the signal block. */
const MAXIMUM_RUN_ID = 2 ** 31 - 1;

export class InFlight {
  readonly #events: EventEmitter;
  readonly #onSent: () => void;
  #count = 0;
  #lastRunId = 0;

  constructor(events: EventEmitter, onSent: () => void) {
    this.#events = events;
    this.#onSent = onSent;
  }

  get count(): number {
    return this.#count;
  }

  nextRunId(): number {
    this.#lastRunId = (this.#lastRunId % MAXIMUM_RUN_ID) + 1;
    return this.#lastRunId;
  }

  /** Sends a run to a worker that has room. */
  send(run: Run, link: WorkerLink): void {
    // Ids come round again after two thousand million runs, and a parked run may still have one.
    while (link.inFlight.has(run.id)) run.id = this.nextRunId();
    run.phase = "in-flight";
    run.worker = link;
    this.#count++;
    link.start(run);
    this.#onSent();
    if (this.#events.has("run-dispatched")) {
      const { id: runId, name, attempts: attempt } = run;
      this.#events.emit("run-dispatched", { runId, workerId: link.workerId, name, attempt });
    }
  }

  /** A run has ended in its worker. */
  finish(run: Run, link: WorkerLink, cost: RunCost): void {
    this.#count--;
    link.finish(run, cost);
  }

  /** Takes back all runs of a worker that will not end them. */
  takeAll(link: WorkerLink): Run[] {
    const runs = link.inFlight.values();
    link.inFlight.clear();
    this.#count -= runs.length;
    return runs;
  }
}
