/** Takes runs in, sends them to workers, and hands their ends to the settlement. */
import type { SkepError } from "../errors.ts";
import type { HostAnswer } from "../environments/contract.ts";
import type {
  ConsoleMessage,
  FailedMessage,
  HostCallMessage,
  MessageFromWorker,
  SettledMessage,
} from "../protocol/messages.ts";
import { type Payload, payloadBytes, startBytes } from "../protocol/payload.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import { UnrepresentableError } from "../protocol/values/unrepresentable.ts";
import type { Registry } from "../registry/registry.ts";
import { AbortWatch } from "./abort-watch.ts";
import { consoleNotice, readConsoleCall } from "./console-text.ts";
import type { RunFiles } from "./files/shared-files.ts";
import { type HostCalls, tooLarge } from "./host-calls.ts";
import type { EventEmitter } from "./events.ts";
import {
  abortedError,
  lostError,
  missingRequirement,
  queueFull,
  unknownFunction,
} from "./outcome.ts";
import type { Quarantine } from "./quarantine.ts";
import { Queue, type QueueBounds } from "./queue.ts";
import type { Run, RunSession } from "./run.ts";
import { chooseCandidate } from "./scheduler.ts";
import type { Settlement } from "./settlement.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Ids are positive 32-bit numbers on the wire and in the signal block. */
const MAXIMUM_RUN_ID = 2 ** 31 - 1;

export interface DispatcherOptions {
  registry: Registry;
  settlement: Settlement;
  events: EventEmitter;
  hostCalls: HostCalls;
  quarantine: Quarantine;
  queueBounds: QueueBounds;
  maxAttemptsPerRun: number;
  /** A run was sent to a worker. */
  onSent(): void;
  /** Nothing is queued or in flight any more. */
  onIdle(): void;
}

/** How a worker was lost, as far as its runs are concerned. */
export interface Loss {
  reason: string;
  /** Runs that may be the cause. */
  suspects: readonly Run[];
  /** The run that is the cause for certain, and what it is rejected with. */
  blamed?: { run: Run; error: SkepError } | undefined;
}

/** Makes the error that a run is rejected with. */
export type RunErrorFactory = (run: Run) => SkepError;

/** How much earlier a worker may see a time come: between threads time is told in whole milliseconds. */
const CLOCK_STEP_MS = 2;

export class Dispatcher {
  readonly queue: Queue<Run>;
  /** Why nothing new is accepted; undefined while it is. */
  refusal: RunErrorFactory | undefined;

  readonly #options: DispatcherOptions;
  readonly #abortWatch = new AbortWatch((run) => this.abort(run));
  /** Workers that take runs, in ascending order of their ids. */
  readonly #links: WorkerLink[] = [];
  /** Reused for every choice. */
  readonly #eligible: WorkerLink[] = [];
  #cursor = 0;
  /** Whether runs belong to keys; from the first one on that does. */
  #isShared = false;
  #lastRunId = 0;
  #inFlight = 0;
  /** Runs that wait in their session's line. */
  waitingInSessions = 0;
  /** Runs of sessions whose worker has no room at the moment. */
  readonly #stalled = new Map<Run, WorkerLink>();
  #committing = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.queue = new Queue(options.queueBounds);
  }

  get inFlightCount(): number {
    return this.#inFlight;
  }

  get isIdle(): boolean {
    const isWaiting = this.queue.size > 0 || this.waitingInSessions > 0;
    return this.#inFlight === 0 && this.#committing === 0 && !isWaiting;
  }

  nextRunId(): number {
    this.#lastRunId = (this.#lastRunId % MAXIMUM_RUN_ID) + 1;
    return this.#lastRunId;
  }

  /** Lets a worker take runs. */
  addLink(link: WorkerLink): void {
    if (this.#links.includes(link)) return;
    this.#links.push(link);
    this.#links.sort((left, right) => left.workerId - right.workerId);
    this.pump();
  }

  /** Sends a worker nothing new. */
  removeLink(link: WorkerLink): void {
    const index = this.#links.indexOf(link);
    if (index >= 0) this.#links.splice(index, 1);
  }

  /** Accepts a run and sends or queues it; or rejects it. */
  submit(run: Run): void {
    const obstacle = this.obstacle(run);
    if (run.session !== undefined) {
      this.#submitToSession(run, run.session, obstacle);
      return;
    }
    if (run.key !== undefined) this.#isShared = true;
    const link = obstacle === undefined && this.queue.size === 0 ? this.#choose(run) : undefined;
    const refusal = obstacle ?? (link === undefined ? this.#full(run) : undefined);
    if (refusal !== undefined) {
      this.#options.settlement.refuse(run, refusal);
      return;
    }
    this.#abortWatch.watch(run);
    if (link === undefined) {
      run.phase = "queued";
      this.queue.push(run);
      this.pump();
    } else {
      this.#send(run, link);
    }
  }

  #submitToSession(run: Run, session: RunSession, obstacle: SkepError | undefined): void {
    const refusal = obstacle ?? session.obstacle(run) ?? this.#full(run);
    if (refusal !== undefined) {
      this.#options.settlement.refuse(run, refusal);
      return;
    }
    this.#abortWatch.watch(run);
    run.phase = "queued";
    this.waitingInSessions++;
    session.enqueue(run);
  }

  /** Sends a run, whose turn it is in its session, to the worker that has the session. */
  sendInSession(run: Run, link: WorkerLink): void {
    // What it needs may have been undefined meanwhile.
    const obstacle = this.#admit(run);
    if (obstacle !== undefined) {
      this.waitingInSessions--;
      this.#options.settlement.fail(run, obstacle);
      this.#reportIdle();
    } else if (link.hasRoom(this.#isShared)) {
      this.waitingInSessions--;
      this.#send(run, link);
    } else this.#stalled.set(run, link);
  }

  /** Ends a run that waits in its session. */
  failInSession(run: Run, error: SkepError): void {
    this.waitingInSessions--;
    this.#stalled.delete(run);
    this.#options.settlement.fail(run, error);
    this.#reportIdle();
  }

  /** Workers that take runs. */
  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** Why a run would not be accepted now; undefined when it would, or when only room is lacking. */
  obstacle(run: Run): SkepError | undefined {
    return this.refusal?.(run) ?? this.#admit(run) ?? this.#abortion(run);
  }

  /** Sends as many waiting runs as workers have room for. */
  pump(): void {
    if (this.#stalled.size > 0) this.#pumpSessions();
    for (let run = this.queue.peek(); run !== undefined; run = this.queue.peek()) {
      // What a waiting run needs may have been undefined meanwhile.
      const obstacle = this.#admit(run);
      const link = obstacle === undefined ? this.#choose(run) : undefined;
      if (obstacle === undefined && link === undefined) return;
      this.queue.take();
      if (obstacle !== undefined) this.#options.settlement.fail(run, obstacle);
      else if (link !== undefined) this.#send(run, link);
    }
  }

  #pumpSessions(): void {
    for (const [run, link] of this.#stalled) {
      if (!link.hasRoom(this.#isShared)) continue;
      this.#stalled.delete(run);
      this.sendInSession(run, link);
    }
  }

  /** Ends a run for its caller: a waiting one at once, a sent one through its worker. */
  abort(run: Run): void {
    const { settlement } = this.#options;
    if (run.phase === "queued" && run.session !== undefined) {
      run.session.remove(run);
      this.failInSession(run, abortedError(run, settlement.receipt(run)));
    } else if (run.phase === "queued") {
      this.queue.remove(run);
      settlement.fail(run, abortedError(run, settlement.receipt(run)));
      this.#reportIdle();
    } else if (run.phase === "in-flight" && run.cancelledAtMs === undefined) {
      run.cancelledAtMs = settlement.clock.now();
      run.worker?.cancel(run);
    }
  }

  /** Takes what a worker says. Throws when it makes no sense. */
  onMessage(link: WorkerLink, message: MessageFromWorker): void {
    // A run the parent no longer knows has settled before: late words about it are void.
    const run = link.inFlight.get(message.runId);
    const { settlement, events, quarantine } = this.#options;
    if (message.type === "settled" && run !== undefined) {
      // Before anything else: malformed bytes must find the run still in flight.
      const found = buildable(
        () => decodeValue(message.value.bytes, message.value.buffers),
        "result",
      );
      const bytesOut = payloadBytes(message.value);
      this.#inFlight--;
      link.finish(run, message.cost);
      quarantine.clear(run);
      if ("refusal" in found) {
        const { cost } = message;
        const failed = { ...found.refusal, runId: run.id, cost };
        settlement.failInWorker(run, settlement.failure(run, failed), cost);
      } else if (run.files === undefined || run.cancelledAtMs !== undefined) {
        settlement.succeed(run, found.value, message.cost, bytesOut);
      } else this.#commit(run, run.files, message, found.value);
    } else if (message.type === "failed" && run !== undefined) {
      if (message.code === "timeout") this.#checkClock(run);
      const found = buildable(() => settlement.failure(run, message), "error");
      const error =
        "refusal" in found
          ? settlement.failure(run, { ...message, ...found.refusal })
          : found.value;
      this.#inFlight--;
      link.finish(run, message.cost);
      settlement.failInWorker(run, error, message.cost);
      if (message.isTrap && quarantine.blame(run, "trap", message.message)) this.review();
    } else if (message.type === "parked" && run !== undefined) {
      link.park(run, settlement.clock.now());
    } else if (message.type === "host-call" && run !== undefined) {
      this.#answer(link, run, message);
    } else if (message.type === "host-called" && run !== undefined) {
      run.hasCalledHost = true;
    } else if (message.type === "entered" && run !== undefined) {
      link.enter(run, settlement.clock.now());
    } else if (message.type === "console") {
      this.#reportConsole(link, message);
    } else if (message.type === "warning") {
      const { name, message: text, runId } = message;
      const about = { workerId: link.workerId, runId: runId === 0 ? undefined : runId };
      events.emit("warning", { name, message: text, ...about });
    }
  }

  /** A run's files are everybody's before its caller hears of its end. */
  #commit(
    run: Run,
    files: RunFiles,
    { cost, value: { bytes, buffers } }: SettledMessage,
    value: unknown,
  ): void {
    const { settlement } = this.#options;
    const bytesOut = payloadBytes({ bytes, buffers });
    run.phase = "committing";
    this.#committing++;
    const settle = (error?: SkepError): void => {
      this.#committing--;
      if (error === undefined) settlement.succeed(run, value, cost, bytesOut);
      else settlement.failInWorker(run, error, cost);
      this.#reportIdle();
    };
    try {
      const committed = files.commit();
      if (committed instanceof Promise) committed.then(() => settle(), settle);
      else settle();
    } catch (error) {
      settle(error as SkepError);
    }
  }

  #answer(link: WorkerLink, run: Run, { callId, isSync, name, args }: HostCallMessage): void {
    run.hasCalledHost ||= !this.#options.hostCalls.isUndoable(name);
    run.hostBytesOut += payloadBytes(args);
    void this.#options.hostCalls.answer(run, { name, args, isSync }).then((reply) => {
      const isWaiting = link.inFlight.get(run.id) === run;
      // A session outlives the run that asked.
      if (!isWaiting && run.session?.isOn(link) !== true) return;
      if (!isWaiting || this.#admitsAnswer(run, reply)) {
        link.answer(run.id, callId, isSync, reply);
      }
    });
  }

  /** Counts what the host answers a run; ends the run where that is too much. */
  #admitsAnswer(run: Run, { payload, isTooLarge }: HostAnswer): boolean {
    const { bytesIn } = run.limits;
    run.hostBytesIn += payloadBytes(payload);
    if (bytesIn === 0) return true;
    const given = run.hostBytesIn + startBytes(run.target);
    if (isTooLarge !== true && given <= bytesIn) return true;
    const what = isTooLarge === true ? "more bytes in an answer" : `${given} bytes`;
    const message = `was given ${what}, and limits.bytesIn allows ${bytesIn}.`;
    this.reach(run, { code: "input-exceeded", message });
    return false;
  }

  /** Ends a run for a limit that the parent holds. */
  reach(run: Run, reached: NonNullable<Run["reached"]>): void {
    if (run.cancelledAtMs !== undefined || run.phase === "settled") return;
    if (run.phase === "committing") return;
    run.reached = reached;
    this.abort(run);
  }

  /** Ends a run when too long has passed since its submission. */
  watchClock(run: Run): void {
    const { totalMs } = run.limits;
    run.stopClock = this.#options.settlement.clock.schedule(totalMs, () => {
      this.reach(run, totalTimeReached(totalMs));
    });
  }

  /** A worker that shares this thread hears of the time before this thread's own clock does. */
  #checkClock(run: Run): void {
    const { totalMs } = run.limits;
    const now = this.#options.settlement.clock.now();
    if (totalMs === 0 || run.cancelledAtMs !== undefined) return;
    if (now + CLOCK_STEP_MS < run.submittedAtMs + totalMs) return;
    run.reached = totalTimeReached(totalMs);
    run.cancelledAtMs = now;
  }

  /** Answers a synchronous host call of a worker in this thread. */
  answerNow(link: WorkerLink, runId: number, name: string, args: Payload): HostAnswer {
    const run = link.inFlight.get(runId);
    if (run === undefined) throw new Error(`There is no run ${runId}.`);
    run.hasCalledHost ||= !this.#options.hostCalls.isUndoable(name);
    run.hostBytesOut += payloadBytes(args);
    const reply = this.#options.hostCalls.answerNow(run, { name, args });
    return this.#admitsAnswer(run, reply) ? reply : tooLarge();
  }

  /** A batch of a worker is through: there may be room for more. */
  onBatchDone(): void {
    this.pump();
    this.#reportIdle();
  }

  /** Takes back all runs of a worker that is gone: innocent ones run again elsewhere. */
  release(link: WorkerLink, loss: Loss): void {
    const { settlement } = this.#options;
    for (const run of loss.suspects) run.strikes++;
    const again: Run[] = [];
    const { signals } = link.handle;
    for (const run of this.#takeInFlight(link)) {
      // The signal block outlives its worker.
      run.hasCalledHost ||= signals?.hasCalledHost(run.slot, run.id) === true;
      if (run === loss.blamed?.run) settlement.fail(run, loss.blamed.error);
      else if (run.cancelledAtMs !== undefined) {
        settlement.fail(run, abortedError(run, settlement.receipt(run)));
      } else if (run.session === undefined && this.#mayRerun(run)) again.push(run);
      else if (this.#mayRerun(run) && run.session?.takeBack(run) === true) {
        run.phase = "queued";
        run.worker = undefined;
        this.waitingInSessions++;
      } else settlement.fail(run, lostError(run, loss.reason, settlement.receipt(run)));
    }
    // Backwards, so that the oldest one ends up in front.
    for (const run of again.reverse()) {
      run.files?.discard();
      run.files = undefined;
      run.phase = "queued";
      run.worker = undefined;
      this.queue.pushFront(run);
    }
    for (const [run, stalledOn] of this.#stalled) {
      if (stalledOn !== link) continue;
      if (run.session?.takeBack(run) === true) this.#stalled.delete(run);
      else this.failInSession(run, lostError(run, loss.reason, settlement.receipt(run)));
    }
    this.pump();
    this.#reportIdle();
  }

  /** Rejects what waits and cannot run any more. */
  review(): void {
    for (const run of this.queue.items()) {
      const obstacle = this.#admit(run);
      if (obstacle === undefined) continue;
      this.queue.remove(run);
      this.#options.settlement.fail(run, obstacle);
    }
    this.#reportIdle();
  }

  /** Rejects everything that waits. */
  rejectQueued(error: RunErrorFactory): void {
    for (const run of this.queue.takeAll()) this.#options.settlement.fail(run, error(run));
    for (const run of Array.from(this.#stalled.keys())) this.failInSession(run, error(run));
    this.#reportIdle();
  }

  /** Rejects everything a worker has in flight, without running it again. */
  rejectInFlight(link: WorkerLink, error: RunErrorFactory): void {
    for (const run of this.#takeInFlight(link)) this.#options.settlement.fail(run, error(run));
    this.#reportIdle();
  }

  #takeInFlight(link: WorkerLink): Run[] {
    this.removeLink(link);
    const runs = link.inFlight.values();
    link.inFlight.clear();
    this.#inFlight -= runs.length;
    return runs;
  }

  /** Notes what a run needs of a worker, or returns why it cannot run at all. */
  #admit(run: Run): SkepError | undefined {
    const { registry, settlement } = this.#options;
    if (run.target.type === "source") {
      run.requiredRevision = registry.revision;
      return this.#quarantined(run);
    }
    const { name } = run.target;
    const admission = registry.admission(name);
    if (admission === undefined) {
      return unknownFunction(name, registry.functionNames(), settlement.receipt(run));
    }
    if (admission.missing !== undefined) {
      return missingRequirement(name, admission.missing, settlement.receipt(run));
    }
    run.functionId = admission.functionId;
    run.sourceHash = admission.hash;
    run.requiredRevision = admission.revision;
    return this.#quarantined(run);
  }

  #quarantined(run: Run): SkepError | undefined {
    const { quarantine, settlement } = this.#options;
    if (quarantine.isEmpty) return undefined;
    return quarantine.refusal(run, () => settlement.receipt(run));
  }

  #abortion(run: Run): SkepError | undefined {
    if (run.signal?.aborted !== true) return undefined;
    return abortedError(run, this.#options.settlement.receipt(run));
  }

  /** Why a run may not wait; undefined when it may. */
  #full(run: Run): SkepError | undefined {
    const isFullForKey = this.queue.isFullFor(run.key);
    const { max } = this.#options.queueBounds;
    const isFull =
      this.queue.isFull || (max > 0 && this.queue.size + this.waitingInSessions >= max);
    if (!isFull && !isFullForKey) return undefined;
    const { queueBounds, settlement } = this.#options;
    return queueFull(run, queueBounds, isFullForKey, settlement.receipt(run));
  }

  /** The worker to send a run to, or undefined when none has room. */
  #choose(run: Run): WorkerLink | undefined {
    const eligible = this.#eligible;
    eligible.length = 0;
    for (const link of this.#links) {
      if (link.hasRoom(this.#isShared) && link.revision >= run.requiredRevision)
        eligible.push(link);
    }
    const choice = chooseCandidate(eligible, this.#cursor);
    if (choice === undefined) return undefined;
    this.#cursor = choice.cursor;
    return eligible[choice.index];
  }

  #send(run: Run, link: WorkerLink): void {
    // Ids come round again after two thousand million runs, and a parked run may still have one.
    while (link.inFlight.has(run.id)) run.id = this.nextRunId();
    run.phase = "in-flight";
    run.worker = link;
    this.#inFlight++;
    link.start(run);
    this.#options.onSent();
    if (this.#options.events.has("run-dispatched")) {
      const { id: runId, name, attempts: attempt } = run;
      const { workerId } = link;
      this.#options.events.emit("run-dispatched", { runId, workerId, name, attempt });
    }
  }

  #reportConsole(link: WorkerLink, { runId, level, values: bytes }: ConsoleMessage): void {
    if (!this.#options.events.has("console")) return;
    const found = buildable(() => readConsoleCall(bytes), "console");
    const { values, text } =
      "refusal" in found ? consoleNotice(found.refusal.message) : found.value;
    this.#options.events.emit("console", { runId, workerId: link.workerId, level, values, text });
  }

  /**
   * Whether a run may be started again after its worker was lost: not when it has called into the
   * host, which cannot be undone, nor when it keeps losing its workers. All else that guest code
   * does stays in its sandbox.
   */
  #mayRerun(run: Run): boolean {
    return !run.hasCalledHost && run.strikes < this.#options.maxAttemptsPerRun;
  }

  #reportIdle(): void {
    if (this.isIdle) this.#options.onIdle();
  }
}

function totalTimeReached(totalMs: number): NonNullable<Run["reached"]> {
  const message = `did not end within the ${totalMs} ms from its submission that limits.totalMs allows.`;
  return { code: "timeout", message };
}

/** What a worker's bytes hold, or how a run is refused whose value this platform cannot build. */
function buildable<Value>(
  decode: () => Value,
  root: string,
):
  | { value: Value }
  | { refusal: Pick<FailedMessage, "type" | "code" | "message" | "isTrap" | "thrown"> } {
  try {
    return { value: decode() };
  } catch (error) {
    if (!(error instanceof UnrepresentableError)) throw error;
    const message = `The ${root} cannot leave the sandbox: ${error.message}`;
    return {
      refusal: {
        type: "failed",
        code: "not-marshallable",
        message,
        isTrap: false,
        thrown: new Uint8Array(0),
      },
    };
  }
}
