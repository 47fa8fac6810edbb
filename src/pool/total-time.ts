/** `limits.totalMs`: the time from a run's submission on, which its worker alone cannot know. */
import type { Clock } from "./clock.ts";
import type { Run } from "./run.ts";

/** How much earlier a worker may see a time come: between threads time is told in whole milliseconds. */
const CLOCK_STEP_MS = 2;

/** Calls `onReached` when too long has passed since the run's submission. */
export function watchTotalTime(
  run: Run,
  clock: Clock,
  onReached: (reached: NonNullable<Run["reached"]>) => void,
): void {
  const { totalMs } = run.limits;
  run.stopClock = clock.schedule(totalMs, () => onReached(totalTimeReached(totalMs)));
}

/**
 * Notes whether a run that its worker ended for its time had no more of this. A worker that shares
 * this thread hears of the time before this thread's own clock does.
 */
export function checkTotalTime(run: Run, nowMs: number): void {
  const { totalMs } = run.limits;
  if (totalMs === 0 || run.cancelledAtMs !== undefined) return;
  if (nowMs + CLOCK_STEP_MS < run.submittedAtMs + totalMs) return;
  run.reached = totalTimeReached(totalMs);
  run.cancelledAtMs = nowMs;
}

function totalTimeReached(totalMs: number): NonNullable<Run["reached"]> {
  const message = `did not end within the ${totalMs} ms from its submission that limits.totalMs allows.`;
  return { code: "timeout", message };
}
