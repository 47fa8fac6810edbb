/** Waiting for something to become true, for so long. */
import type { Clock } from "../../pool/clock.ts";

/** Adds a listener for changes, and returns how to remove it. */
export type Subscribe = (listener: () => void) => () => void;

/**
 * Resolves with true once `isDone` holds, which is asked after every change, or with false after
 * `timeoutMs`.
 */
export async function until(
  isDone: () => boolean,
  changes: readonly Subscribe[],
  timeoutMs: number,
  clock: Clock,
): Promise<boolean> {
  if (isDone()) return true;
  if (timeoutMs === 0) return false;
  const undo: (() => void)[] = [];
  try {
    return await new Promise<boolean>((resolve) => {
      undo.push(clock.schedule(timeoutMs, () => resolve(false)));
      for (const subscribe of changes) {
        undo.push(subscribe(() => void (isDone() && resolve(true))));
      }
    });
  } finally {
    for (const stop of undo) stop();
  }
}
