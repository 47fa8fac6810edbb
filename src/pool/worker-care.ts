/** What is done for workers that are up: their memory is watched, and they are replaced in time. */
import type { Clock } from "./clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { EventEmitter } from "./events.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { Recycler } from "./recycler.ts";
import type { MemoryOptions, RecycleOptions } from "./supervision-options.ts";
import type { Supervisor } from "./supervisor.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface WorkerCareOptions {
  recycle: RecycleOptions;
  memory: MemoryOptions;
  /** Milliseconds until a worker is tried to be replaced again. */
  retryMs: number;
  clock: Clock;
  events: EventEmitter;
  supervisor: Supervisor;
  dispatcher: Dispatcher;
}

export class WorkerCare {
  readonly #recycler: Recycler;
  /** Only where somebody wants to know. */
  readonly #memory: MemoryWatch | undefined;

  constructor(options: WorkerCareOptions) {
    const { recycle, memory, retryMs, clock, events, supervisor, dispatcher } = options;
    const replace = (link: WorkerLink, reason: string) => supervisor.replace(link, reason);
    const isUp = (link: WorkerLink) => supervisor.upLinks().includes(link);
    this.#recycler = new Recycler({ limits: recycle, retryMs, clock, isUp, replace });
    const { maxBytes } = memory;
    if (maxBytes === 0 && recycle.aboveMemoryBytes === 0) return;
    this.#memory = new MemoryWatch({
      maxBytes,
      clock,
      events,
      links: () => supervisor.workingLinks(),
      onMeasured: (link) => this.#recycler.consider(link),
      onRelieved: () => dispatcher.pump(),
    });
  }

  /** A run was sent to a worker. */
  wake(): void {
    this.#memory?.wake();
  }

  onBatchDone(link: WorkerLink): void {
    this.#recycler.consider(link);
  }

  stop(): void {
    this.#memory?.stop();
  }
}
