/** What a pool reports, and how it is listened to. */
import type { ConsoleLevel } from "../protocol/messages.ts";
import type { Receipt } from "../receipt.ts";
import type { WorkerState } from "./worker-state.ts";

/** Events by name. Worker ids start at 1 and are never reused within a pool. */
export interface PoolEvents {
  /** A worker is being opened. `attempt` counts restarts of its place; 0 is the first worker. */
  "worker-spawned": { workerId: number; attempt: number };
  "worker-ready": { workerId: number };
  "worker-state": { workerId: number; from: WorkerState; to: WorkerState; reason: string };
  /** A worker ended or was terminated; `runs` were in flight on it. */
  "worker-lost": {
    workerId: number;
    reason: string;
    exitCode?: number | undefined;
    /** What the worker threw, where it ended by that. */
    cause?: unknown;
    runs: number;
  };
  /** A replacement has to be given by a machine, and none has a worker to give. */
  "worker-waiting": { workerId: number; reason: string };
  "worker-restart-scheduled": { workerId: number; attempt: number; delayMs: number };
  /** A replacement is ready. */
  "worker-restarted": { workerId: number; previousWorkerId: number; attempt: number };
  /** A replacement could not start; `exhausted` when no further one will be tried. */
  "worker-restart-failed": {
    workerId: number;
    attempt: number;
    reason: string;
    exhausted: boolean;
  };
  /** A session ended without being closed: its state is gone. */
  "session-ended": { sessionId: number; reason: string };
  /** An idle session's sandbox was put away; its next run wakes it, on any worker. */
  "session-hibernated": { sessionId: number; workerId: number; storedBytes: number };
  /** A session is in a worker again, after it had hibernated, was restored or lost its worker. */
  "session-woken": { sessionId: number; workerId: number };
  "worker-restarts-exhausted": { workerId: number; maxPerWorker: number };
  /** The pool closes, and the worker has freed its sandboxes. */
  "worker-shutdown": { workerId: number };
  /**
   * A worker was replaced, as `recycle` has it: its successor takes its place, and `runs` are still
   * in flight on it, after which it ends.
   */
  "worker-recycled": { workerId: number; successorId: number; reason: string; runs: number };
  /** The pool closes, or the worker was recycled: it is gone. */
  "worker-ended": { workerId: number };
  /** A guest wrote to its console. `text` is one line per call, control characters escaped. */
  console: {
    runId: number;
    workerId: number;
    level: ConsoleLevel;
    values: unknown[];
    text: string;
  };
  /** Something unexpected that no run failed with. `name` is a stable word. */
  warning: {
    name: string;
    message: string;
    workerId?: number | undefined;
    runId?: number | undefined;
  };
  /** A run was sent to a worker. `name` is the function's, or the file name of an evaluation. */
  "run-dispatched": { runId: number; workerId: number; name: string; attempt: number };
  /** A run settled. `workerId` is 0 when it never ran. */
  "run-settled": { runId: number; workerId: number; name: string; ok: boolean; receipt: Receipt };
  /** A function cost too many workers: it is refused for `forMs`, or until it is released (0). */
  "function-quarantined": {
    name: string;
    hash: string;
    lostWorkers: number;
    lostSandboxes: number;
    reason: string;
    forMs: number;
  };
  /** A function is no longer refused: `pool.release()` was called, or its time is over. */
  "function-released": { name: string; hash: string; reason: "released" | "expired" };
  /** The workers use more than `memory.maxBytes` together. Told once, until it is relieved. */
  "memory-pressure": { usedBytes: number; maxBytes: number };
  "memory-relieved": { usedBytes: number; maxBytes: number };
  /** `drain()` is done. */
  drain: Record<string, never>;
  /** `close()` is done: nothing follows. */
  closed: Record<string, never>;
}

export type PoolEventName = keyof PoolEvents;
export type PoolListener<Name extends PoolEventName> = (event: PoolEvents[Name]) => void;

type AnyListener = (event: never) => void;

/** Listeners by event, called in the order they were added. */
export class EventEmitter {
  readonly #listeners = new Map<PoolEventName, Set<AnyListener>>();
  readonly #failed = new WeakSet<AnyListener>();

  /** Adds a listener and returns what removes it. Adding the same one twice is adding it once. */
  on<Name extends PoolEventName>(name: Name, listener: PoolListener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set<AnyListener>();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Whether anybody listens: events that cost something to build are not built for nobody. */
  has(name: PoolEventName): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends PoolEventName>(name: Name, event: PoolEvents[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    // A copy: listeners may come and go while they are called.
    for (const listener of Array.from(listeners)) {
      try {
        (listener as PoolListener<Name>)(event);
      } catch (error) {
        this.#reportOnce(name, listener, error);
      }
    }
  }

  /** A listener's failure is its own: the pool goes on, and says so once per listener. */
  #reportOnce(name: PoolEventName, listener: AnyListener, error: unknown): void {
    if (this.#failed.has(listener)) return;
    this.#failed.add(listener);
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.emit("warning", {
      name: "listener-failed",
      message: `A listener of "${name}" threw ${detail}`,
    });
  }
}
