/** Time, as the pool sees it: replaceable, so that tests need not wait. */
export interface Clock {
  /** Milliseconds on a clock that never jumps. */
  now(): number;
  /** Runs `task` once after `delayMs`, unless the returned function is called first. */
  schedule(delayMs: number, task: () => void, options?: ScheduleOptions): () => void;
}

export interface ScheduleOptions {
  /** Whether the host process must stay for it; only means something in Node. Default true. */
  keepAlive?: boolean | undefined;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, task, { keepAlive = true } = {}) {
    const timer: unknown = setTimeout(task, delayMs);
    if (!keepAlive) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as number);
  },
};
