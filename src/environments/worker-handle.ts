/** The one-time beginning and end of a worker, whoever hears of them first. */
import type { SkepError } from "../errors.ts";
import type { WorkerEnd, WorkerHandle } from "./contract.ts";

/** A worker's handle while an environment still puts it together, and how its end is told. */
export interface EndableHandle {
  handle: WorkerHandle;
  /** Tells the owner, unless the worker was terminated or its end was told before. */
  end: (end: WorkerEnd) => void;
}

/** What an environment does for a handle. */
export interface WorkerParts extends Pick<
  WorkerHandle,
  "control" | "signals" | "post" | "keepAlive"
> {
  /** Ends the thread; called once. */
  stop(): Promise<void> | void;
}

/** A handle whose `onEnd` fires at most once and never after `terminate()`. */
export function endable(parts: WorkerParts): EndableHandle {
  let stopped: Promise<void> | undefined;
  let told: WorkerEnd | undefined;
  let onEnd: ((end: WorkerEnd) => void) | undefined;
  const handle: WorkerHandle = {
    // Read when it is used: it may come with a part that is still being loaded.
    get control() {
      return parts.control;
    },
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

/** A worker whose code is being loaded. */
export interface OpeningHandle extends EndableHandle {
  /** Resolves when the worker is open; rejects, and the worker is terminated, when it ends before. */
  opened: Promise<WorkerHandle>;
  /** The worker's code has loaded. False when that was known already. */
  open: () => boolean;
}

/** A handle whose owner gets it once the worker is open. `failure` says why it never was. */
export function opening(parts: WorkerParts, failure: (end: WorkerEnd) => SkepError): OpeningHandle {
  const { handle, end } = endable(parts);
  let isOpen = false;
  let resolve: (handle: WorkerHandle) => void;
  let reject: (error: SkepError) => void;
  const opened = new Promise<WorkerHandle>((onOpen, onFailure) => {
    resolve = onOpen;
    reject = onFailure;
  });
  return {
    handle,
    opened,
    open() {
      if (isOpen) return false;
      isOpen = true;
      resolve(handle);
      return true;
    },
    end(why) {
      if (isOpen) {
        end(why);
        return;
      }
      void handle.terminate();
      reject(failure(why));
    },
  };
}
