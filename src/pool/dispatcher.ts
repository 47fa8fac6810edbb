/** The queue and its way out: accepts runs, sends them to workers, and takes them back from lost ones. */
import type { SkepError } from "../errors.ts";
import { AbortWatch } from "./abort-watch.ts";
import type { AdmissionControl, RunErrorFactory } from "./admission-control.ts";
import type { EventEmitter } from "./events.ts";
import { InFlight } from "./in-flight.ts";
import { abortedError, lostError, queueFull } from "./outcome.ts";
import { Queue, type QueueBounds } from "./queue.ts";
import type { Run } from "./run.ts";
import { Scheduler } from "./scheduler.ts";
import { SessionRuns } from "./session-runs.ts";
import type { Settlement } from "./settlement.ts";
import { watchTotalTime } from "./total-time.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface DispatcherOptions {
  admission: AdmissionControl;
  settlement: Settlement;
  events: EventEmitter;
  queueBounds: QueueBounds;
  maxAttemptsPerRun: number;
  /** A run was sent to a worker. */
  onSent(this: void): void;
}

/** How a worker was lost, as far as its runs are concerned. */
export interface Loss {
  reason: string;
  /** Runs that may be the cause. */
  suspects: readonly Run[];
  /** The run that is the cause for certain, and what it is rejected with. */
  blamed?: { run: Run; error: SkepError } | undefined;
}

export class Dispatcher {
  readonly queue: Queue<Run>;
  readonly scheduler: Scheduler = new Scheduler();
  readonly inFlight: InFlight;
  readonly sessionRuns: SessionRuns;
  readonly #options: DispatcherOptions;
  readonly #abortWatch = new AbortWatch((run) => this.abort(run));
  #acceptedCount = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { admission, settlement, events, queueBounds, onSent } = options;
    const { scheduler } = this;
    this.queue = new Queue(queueBounds);
    this.inFlight = new InFlight(events, onSent);
    this.sessionRuns = new SessionRuns({
      admission,
      settlement,
      scheduler,
      inFlight: this.inFlight,
    });
  }

  /** Whether all runs that were accepted have settled. */
  get isIdle(): boolean {
    const { completed, failed } = this.#options.settlement;
    return this.#acceptedCount === completed + failed;
  }

  /** Accepts a run and sends or queues it; or rejects it. */
  submit(run: Run): void {
    const { admission, settlement } = this.#options;
    const obstacle = admission.obstacle(run) ?? run.session?.obstacle(run);
    const link = obstacle === undefined ? this.#chooseAtOnce(run) : undefined;
    const refusal = obstacle ?? (link === undefined ? this.#full(run) : undefined);
    if (refusal !== undefined) {
      settlement.refuse(run, refusal);
      return;
    }
    this.#acceptedCount++;
    this.#abortWatch.watch(run);
    if (link !== undefined) this.inFlight.send(run, link);
    else if (run.session !== undefined) this.sessionRuns.enqueue(run, run.session);
    else {
      run.phase = "queued";
      this.queue.push(run);
      this.pump();
    }
  }

  /** The worker that a new run goes to; undefined when it has to wait. */
  #chooseAtOnce(run: Run): WorkerLink | undefined {
    if (run.session !== undefined) return undefined;
    if (run.key !== undefined) this.scheduler.isShared = true;
    return this.queue.size === 0 ? this.scheduler.choose(run) : undefined;
  }

  /** Why a run may not wait; undefined when it may. */
  #full(run: Run): SkepError | undefined {
    const { queueBounds, settlement } = this.#options;
    const { max } = queueBounds;
    const isFullForKey = this.queue.isFullFor(run.key);
    const isFull =
      this.queue.isFull || (max > 0 && this.queue.size + this.sessionRuns.waitingCount >= max);
    if (!isFull && !isFullForKey) return undefined;
    return queueFull(run, queueBounds, isFullForKey, settlement.receipt(run));
  }

  /** Sends as many waiting runs as workers have room for. */
  pump(): void {
    const { admission, settlement } = this.#options;
    this.sessionRuns.pump();
    for (let run = this.queue.peek(); run !== undefined; run = this.queue.peek()) {
      // What a waiting run needs may have been undefined meanwhile.
      const obstacle = admission.admit(run);
      const link = obstacle === undefined ? this.scheduler.choose(run) : undefined;
      if (obstacle === undefined && link === undefined) return;
      this.queue.take();
      if (obstacle !== undefined) settlement.fail(run, obstacle);
      else if (link !== undefined) this.inFlight.send(run, link);
    }
  }

  /** Lets a worker take runs. */
  addLink(link: WorkerLink): void {
    this.scheduler.add(link);
    this.pump();
  }

  /** Ends a run for its caller: a waiting one at once, a sent one through its worker. */
  abort(run: Run): void {
    const { settlement } = this.#options;
    if (run.phase === "queued" && run.session !== undefined) {
      run.session.remove(run);
      this.sessionRuns.fail(run, abortedError(run, settlement.receipt(run)));
    } else if (run.phase === "queued") {
      this.queue.remove(run);
      settlement.fail(run, abortedError(run, settlement.receipt(run)));
    } else if (run.phase === "in-flight" && run.cancelledAtMs === undefined) {
      run.cancelledAtMs = settlement.clock.now();
      run.worker?.cancel(run);
    }
  }

  /** Ends a run for a limit that the parent holds. */
  reach(run: Run, reached: NonNullable<Run["reached"]>): void {
    if (run.cancelledAtMs !== undefined || run.phase === "settled") return;
    if (run.phase === "committing") return;
    run.reached = reached;
    this.abort(run);
  }

  /** Ends a run when too long has passed since its submission. */
  watchTotalTime(run: Run): void {
    watchTotalTime(run, this.#options.settlement.clock, (reached) => this.reach(run, reached));
  }

  /** Takes back all runs of a worker that is gone: innocent ones run again elsewhere. */
  release(link: WorkerLink, loss: Loss): void {
    const { settlement } = this.#options;
    const lost = (run: Run): SkepError => lostError(run, loss.reason, settlement.receipt(run));
    for (const run of loss.suspects) run.strikes++;
    const again: Run[] = [];
    const { signals } = link.handle;
    for (const run of this.#takeInFlight(link)) {
      // The signal block outlives its worker.
      run.hasCalledHost ||= signals?.hasCalledHost(run.slot, run.id) === true;
      if (run === loss.blamed?.run) settlement.fail(run, loss.blamed.error);
      else if (run.cancelledAtMs !== undefined) {
        settlement.fail(run, abortedError(run, settlement.receipt(run)));
      } else if (!this.#mayRerun(run)) settlement.fail(run, lost(run));
      else if (run.session === undefined) again.push(run);
      else if (!this.sessionRuns.takeBack(run)) settlement.fail(run, lost(run));
    }
    // Backwards, so that the oldest one ends up in front.
    for (const run of again.reverse()) {
      run.files?.discard();
      run.files = undefined;
      run.phase = "queued";
      run.worker = undefined;
      this.queue.pushFront(run);
    }
    this.sessionRuns.leave(link, lost);
    this.pump();
  }

  /**
   * Whether a run may be started again after its worker was lost: not when it has called into the
   * host, which cannot be undone, nor when it keeps losing its workers. All else that guest code
   * does stays in its sandbox.
   */
  #mayRerun(run: Run): boolean {
    return !run.hasCalledHost && run.strikes < this.#options.maxAttemptsPerRun;
  }

  /** Rejects what waits and cannot run any more. */
  review(): void {
    const { admission, settlement } = this.#options;
    for (const run of this.queue.items()) {
      const obstacle = admission.admit(run);
      if (obstacle === undefined) continue;
      this.queue.remove(run);
      settlement.fail(run, obstacle);
    }
  }

  /** Rejects everything that waits. */
  rejectQueued(error: RunErrorFactory): void {
    for (const run of this.queue.takeAll()) this.#options.settlement.fail(run, error(run));
    this.sessionRuns.rejectStalled(error);
  }

  /** Rejects everything a worker has in flight, without running it again. */
  rejectInFlight(link: WorkerLink, error: RunErrorFactory): void {
    for (const run of this.#takeInFlight(link)) this.#options.settlement.fail(run, error(run));
  }

  #takeInFlight(link: WorkerLink): Run[] {
    this.scheduler.remove(link);
    return this.inFlight.takeAll(link);
  }
}
