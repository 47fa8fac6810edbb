/**
 * Finds workers that no longer react. A worker interrupts guest code at its limits by itself; what
 * never polls the interrupt handler, only ending the worker ends.
 */
import { sinceEntered } from "../protocol/signals.ts";
import type { Clock } from "./clock.ts";
import type { Run } from "./run.ts";
import type { WorkerLink } from "./worker-link.ts";

/** What the watchdog thinks of a worker. */
export type Verdict =
  | { type: "healthy" }
  /** A run is past its limit and has its grace left to end by itself. */
  | { type: "suspect"; run: Run }
  /** A run is past its grace. */
  | { type: "hung"; run: Run }
  /** Nothing is known to run, and yet nothing comes back. */
  | { type: "silent" };

export interface WatchdogOptions {
  clock: Clock;
  /** Workers to watch, those that take no new runs included. */
  links(): readonly WorkerLink[];
  onSuspect(link: WorkerLink, run: Run): void;
  onRecovered(link: WorkerLink): void;
  /** The worker must be ended: with the run that hangs, or because it is silent. */
  onDead(link: WorkerLink, hung: Run | undefined): void;
}

/** Milliseconds between two looks: how much later than its grace a hang may be noticed. */
const SWEEP_MS = 50;
/** A look that comes this much too late finds messages it has not been told of yet. */
const LATE_MS = 100;
/** Looks that may be skipped for that reason, one after the other. */
const LATE_SWEEPS = 2;

/** Graces that a parked run gets past its limit: in a worker that is quiet, and in a busy one. */
const PARKED_GRACES = 2;
const BUSY_PARKED_GRACES = 20;

const HEALTHY: Verdict = { type: "healthy" };

/** Looks at the workers from time to time, as long as there is something to watch. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #cancelSweep: (() => void) | undefined;
  #lastSweepMs = 0;
  #lastLookMs = 0;
  #lateSweeps = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Something was sent: starts looking, unless it does already. Cheap enough for every run. */
  wake(): void {
    if (this.#cancelSweep !== undefined) return;
    this.#lastSweepMs = this.#options.clock.now();
    this.#lastLookMs = this.#lastSweepMs;
    this.#schedule();
  }

  /** Looks at a worker that was past its limits and has just said something. */
  review(link: WorkerLink): void {
    if (link.isSuspect) this.#look(link, this.#options.clock.now());
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #schedule(): void {
    // What is in flight holds the process; looking at it must not.
    this.#cancelSweep = this.#options.clock.schedule(SWEEP_MS, () => this.#sweep(), {
      keepAlive: false,
    });
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    const isLate = now - this.#lastSweepMs > SWEEP_MS + LATE_MS;
    this.#lateSweeps = isLate ? this.#lateSweeps + 1 : 0;
    this.#lastSweepMs = now;
    this.#cancelSweep = undefined;
    // This thread was busy or asleep: messages are waiting behind this very timer, and a worker
    // must not be ended for an answer that has arrived.
    const looks = !isLate || this.#lateSweeps > LATE_SWEEPS;
    let isWatching = false;
    for (const link of this.#options.links()) {
      if (link.inFlight.size > 0) isWatching = true;
      if (looks) this.#look(link, now);
      // Only now, and not with every result: a call at a time would switch it back and forth.
      if (link.isIdle) link.keepProcess(false);
    }
    if (looks) this.#lastLookMs = now;
    if (isWatching && this.#cancelSweep === undefined) this.#schedule();
  }

  #look(link: WorkerLink, now: number): void {
    const verdict = judge(link, now, this.#lastLookMs);
    const wasSuspect = link.isSuspect;
    link.isSuspect = verdict.type === "suspect";
    if (verdict.type === "hung") this.#options.onDead(link, verdict.run);
    else if (verdict.type === "silent") this.#options.onDead(link, undefined);
    else if (verdict.type === "suspect" && !wasSuspect) this.#options.onSuspect(link, verdict.run);
    else if (verdict.type === "healthy" && wasSuspect) this.#options.onRecovered(link);
  }
}

/** What to think of a worker now. */
function judge(link: WorkerLink, now: number, previousLookMs: number): Verdict {
  if (link.inFlight.size === 0) return HEALTHY;
  if (link.handle.signals !== undefined) observeSignals(link, now, previousLookMs);

  const inside = link.observation;
  const running = inside === undefined ? undefined : link.inFlight.get(inside.runId);
  if (inside !== undefined && running !== undefined && !isElsewhere(link, running)) {
    link.lastProgressMs = now;
    return judgeRunning(running, inside.sinceMs, now);
  }
  return judgeWaiting(link, now);
}

/** Without a signal block an entry is over when the run parks; messages tell. */
function isElsewhere(link: WorkerLink, run: Run): boolean {
  return link.handle.signals === undefined && link.enteredRunId !== run.id;
}

/** Reads what the worker is doing right now. */
function observeSignals(link: WorkerLink, now: number, previousLookMs: number): void {
  const activity = link.handle.signals?.activity();
  if (activity === undefined || activity.runId === 0) {
    link.observation = undefined;
    return;
  }
  const { runId, enteredAt } = activity;
  const known = link.observation;
  if (known?.runId === runId && known.enteredAt === enteredAt) return;
  // The worker's clock may have been set meanwhile, ours never jumps: the entry is no older than
  // the last look, which did not see it.
  const ageMs = Math.min(sinceEntered(enteredAt, Date.now()), now - previousLookMs);
  const sinceMs = now - ageMs;
  link.observation = { runId, enteredAt, sinceMs };
  const run = link.inFlight.get(runId);
  if (run !== undefined) run.startedAtMs ??= sinceMs;
}

/** A run is inside the engine: for how much longer than it may? */
function judgeRunning(run: Run, insideSinceMs: number, now: number): Verdict {
  const startedAtMs = run.startedAtMs ?? insideSinceMs;
  const { timeoutMs, cpuMs, graceMs } = run.limits;
  const endMs = Math.min(
    timeoutMs === 0 ? Number.POSITIVE_INFINITY : startedAtMs + timeoutMs,
    // What it has executed before is for the worker to know: this is at least so much.
    cpuMs === 0 ? Number.POSITIVE_INFINITY : insideSinceMs + cpuMs,
    run.cancelledAtMs ?? Number.POSITIVE_INFINITY,
  );
  // A run that comes back into the engine late still gets its grace to notice.
  const overdueMs = now - Math.max(endMs, insideSinceMs);
  if (overdueMs > graceMs) return { type: "hung", run };
  return now > endMs ? { type: "suspect", run } : HEALTHY;
}

/** Nothing is inside the engine: something must come back before long. */
function judgeWaiting(link: WorkerLink, now: number): Verdict {
  // A change of the registry has its own limit, and runs wait behind it.
  if (link.requests.pendingCount > 0) return HEALTHY;
  const quietMs = now - link.lastProgressMs;
  let patienceMs = 0;
  for (const run of link.inFlight.values()) {
    const { graceMs } = run.limits;
    const timeoutMs = run.limits.timeoutMs === 0 ? Number.POSITIVE_INFINITY : run.limits.timeoutMs;
    if (!run.isParked) patienceMs = Math.max(patienceMs, timeoutMs + graceMs);
    else if (run.startedAtMs !== undefined) {
      const endMs = Math.min(
        run.startedAtMs + timeoutMs,
        run.cancelledAtMs ?? Number.POSITIVE_INFINITY,
      );
      // The worker ends a parked run with a timer, which other runs may delay; but not for ever.
      const graces = quietMs > graceMs ? PARKED_GRACES : BUSY_PARKED_GRACES;
      if (now - endMs > graces * graceMs) return { type: "hung", run };
    }
  }
  return link.backlog > 0 && quietMs > patienceMs ? { type: "silent" } : HEALTHY;
}
