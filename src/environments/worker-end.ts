/** The one-time end of a worker, whoever hears of it first. */
import type { WorkerEnd, WorkerHandle } from "./contract.ts";

/** A worker's handle while an environment still puts it together, and how its end is told. */
export interface EndableHandle {
  handle: WorkerHandle;
  /** Tells the owner, unless the worker was terminated or its end was told before. */
  end: (end: WorkerEnd) => void;
}

/** A handle whose `onEnd` fires at most once and never after `terminate()`. */
export function endable(
  parts: Pick<WorkerHandle, "control" | "signals" | "post" | "keepAlive"> & {
    /** Ends the thread; called once. */
    stop(): Promise<void> | void;
  },
): EndableHandle {
  let stopped: Promise<void> | undefined;
  let told: WorkerEnd | undefined;
  let onEnd: ((end: WorkerEnd) => void) | undefined;
  const handle: WorkerHandle = {
    control: parts.control,
    signals: parts.signals,
    post: (batch) => parts.post(batch),
    keepAlive: (alive) => parts.keepAlive(alive),
    onBatch: () => {},
    answerNow: () => {
      throw new Error("Nobody owns this worker yet.");
    },
    get onEnd() {
      return onEnd ?? (() => {});
    },
    // An end that came before anybody listened is told to the first listener.
    set onEnd(listener) {
      const missed = onEnd === undefined && stopped === undefined ? told : undefined;
      onEnd = listener;
      if (missed !== undefined) listener(missed);
    },
    terminate() {
      stopped ??= Promise.resolve(parts.stop());
      return stopped;
    },
  };
  return {
    handle,
    end(end) {
      if (told !== undefined || stopped !== undefined) return;
      told = end;
      onEnd?.(end);
    },
  };
}
