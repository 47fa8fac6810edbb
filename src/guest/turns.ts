/** When a sandbox that was entered may go on at once, rather than wait to be entered again. */
import { Tag } from "./marshal/heap-layout.ts";
import type { Run } from "./run.ts";
import type { Completion, Sandbox } from "./sandbox.ts";

/** Guests run so long in one go before the thread's event loop gets its turn: cancels and timers wait there. */
export const TURN_MS = 4;

/** Whether there is more to do of the same: a timer says so when the next one is due as well. */
export function hasMore({ heap }: Sandbox, { threw, value }: Completion): boolean {
  heap.refresh();
  return !threw && heap.tag(value) === Tag.bool && heap.word(value) !== 0;
}

/** Whether the run's promise is still open: what comes after it is nobody's. */
export function isWaiting(sandbox: Sandbox, run: Run): boolean {
  return sandbox.promise(run.promise)?.state === "pending";
}
