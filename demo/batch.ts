/** Submits any number of calls without ever having all of them in memory. */
import type { Pool, RunOutcome } from "skep";
import { FUNCTION_NAME } from "./pool-host.ts";

export interface BatchOptions {
  total: number;
  timeoutMs: number;
  memoryBytes: number;
  signal: AbortSignal;
  /** Called for each call that settles. Must be cheap. */
  onSettled: (call: number, outcome: RunOutcome) => void;
}

/** Calls that are submitted and not settled: enough to keep every worker's window full. */
const MAXIMUM_OUTSTANDING = 2048;
/** Calls submitted in one go: a few milliseconds of the page's thread. */
const CHUNK = 512;

/** Resolves when every submitted call has settled. After an abort, no more are submitted. */
export async function runBatch(pool: Pool, options: BatchOptions): Promise<void> {
  const { total, signal, timeoutMs, memoryBytes, onSettled } = options;
  const runOptions = { timeoutMs, memoryBytes, signal };
  const calls = { submitted: 0, settled: 0 };
  let wake = (): void => {};

  async function submit(call: number): Promise<void> {
    const outcome = await pool.execute({ run: FUNCTION_NAME, args: [call] }, runOptions);
    calls.settled++;
    onSettled(call, outcome);
    wake();
  }

  /** Waits until at most so many calls are outstanding. */
  async function outstanding(maximum: number): Promise<void> {
    if (calls.submitted - calls.settled <= maximum) return;
    await new Promise<void>((resolve) => {
      wake = () => {
        if (calls.submitted - calls.settled <= maximum) resolve();
      };
    });
  }

  while (calls.submitted < total && !signal.aborted) {
    const end = Math.min(total, calls.submitted + CHUNK);
    while (calls.submitted < end) void submit(++calls.submitted);
    // Lets the page paint, and results in.
    await new Promise<void>((resolve) => setTimeout(resolve));
    await outstanding(MAXIMUM_OUTSTANDING - CHUNK);
  }
  await outstanding(0);
}
