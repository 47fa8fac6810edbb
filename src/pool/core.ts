/**
 * The pool without its public face: puts queue, workers, registry and watchdog together. Facades
 * that keep a registry of their own across starts and stops build on this.
 */
import type { Platform } from "../environments/contract.ts";
import { messageOf, SkepError } from "../errors.ts";
import { loadPart } from "../load-part.ts";
import { UnknownMessageError } from "../protocol/wire.ts";
import type { Registry } from "../registry/registry.ts";
import { type Clock, systemClock } from "./clock.ts";
import { AdmissionControl, type RunErrorFactory } from "./admission-control.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { PoolHost } from "./host.ts";
import { EventEmitter } from "./events.ts";
import type { SharedFiles } from "./files/shared-files.ts";
import { Installer } from "./installer.ts";
import type { WorkerCare } from "./worker-care.ts";
import { Launch } from "./launch.ts";
import { MessageHandler } from "./message-handler.ts";
import type { PoolSettings } from "./options.ts";
import { abortedError, hungError } from "./outcome.ts";
import type { Run } from "./run.ts";
import { createExplain } from "./place.ts";
import { type Offence, Quarantine } from "./quarantine.ts";
import type { Sessions } from "./sessions.ts";
import { Settlement } from "./settlement.ts";
import { Supervisor, type WorkerLoss } from "./supervisor.ts";
import { Watchdog } from "./watchdog.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { PreparedStart } from "./worker-start.ts";

/** What tests replace. */
export interface CoreSurroundings {
  clock?: Clock | undefined;
  /** In [0, 1). */
  random?: (() => number) | undefined;
}

/** How a core is started, besides its settings. */
export interface CoreStart extends CoreSurroundings {
  /** Called before the first worker is opened, e.g. to listen to its events. */
  onCreated?: ((core: PoolCore) => void) | undefined;
  /** Workers are numbered from the next one on, so that numbers differ between starts. Default 0. */
  lastWorkerId?: number | undefined;
  /** What workers start from as long as nothing else is defined. */
  prepared?: PreparedStart | undefined;
  /** The files that guests share, where there are any. */
  files?: SharedFiles | undefined;
  /** Where the engine and the first workers come from, when they were set in motion before. */
  launch?: Launch | undefined;
}

/** A run that hung, and how its worker was ended for it. */
class HungRun {
  constructor(readonly run: Run) {}
}

export class PoolCore {
  readonly clock: Clock;
  readonly events: EventEmitter = new EventEmitter();
  readonly settlement: Settlement;
  readonly admission: AdmissionControl;
  readonly dispatcher: Dispatcher;
  readonly supervisor: Supervisor;
  readonly installer: Installer;
  readonly quarantine: Quarantine;
  readonly files: SharedFiles | undefined;
  /** Once there is something of the host that guests can call. */
  host: PoolHost | undefined;
  readonly #watchdog: Watchdog;
  #care: WorkerCare | undefined;
  /** Once there was a session. */
  sessions: Sessions | undefined;
  #idle: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #closed = new AbortController();
  #force: () => void = () => {};

  private constructor(
    readonly settings: PoolSettings,
    readonly registry: Registry,
    engineModule: WebAssembly.Module | undefined,
    launch: Launch,
    { clock = systemClock, random = Math.random, lastWorkerId = 0, prepared, files }: CoreStart,
  ) {
    this.clock = clock;
    this.files = files;
    const explain = createExplain((file) => registry.textOf(file));
    this.settlement = new Settlement(clock, this.events, explain);
    const { events, settlement } = this;
    this.quarantine = new Quarantine(settings.quarantine, clock, events);
    const { quarantine } = this;
    this.admission = new AdmissionControl(registry, quarantine, settlement);
    this.dispatcher = new Dispatcher({
      admission: this.admission,
      settlement,
      events,
      queueBounds: { max: settings.queueMax, maxPerKey: settings.queueMaxPerKey },
      maxAttemptsPerRun: settings.restart.maxAttemptsPerRun,
      onSent: () => {
        this.#watchdog.wake();
        this.#care?.wake();
      },
    });
    const { dispatcher } = this;
    const hostCalls = () => this.host?.calls;
    const messages = new MessageHandler({ dispatcher, settlement, quarantine, hostCalls, events });
    this.supervisor = new Supervisor({
      settings,
      engineModule,
      launch,
      prepared,
      registry,
      explain,
      clock,
      events,
      random,
      lastWorkerId,
      files: files?.setup,
      listener: {
        onMessage: (link, message) => messages.onMessage(link, message),
        answerNow: (link, runId, name, args) => messages.answerNow(link, runId, name, args),
        onBatchDone: (link) => {
          this.#watchdog.review(link);
          dispatcher.pump();
          this.supervisor.reviewRetiring(link);
          this.#care?.onBatchDone(link);
        },
        onBroken: (link, what, error) => this.#onBroken(link, what, error),
      },
      onReady: (link) => dispatcher.addLink(link),
      onRetired: (link) => {
        dispatcher.scheduler.remove(link);
        this.sessions?.leave(link);
      },
      onLost: (link, loss) => this.#onLost(link, loss),
      onExhausted: (reason, hasWaited) => this.#onExhausted(reason, hasWaited),
    });
    this.installer = new Installer({
      registry,
      explain,
      supervisor: this.supervisor,
      timeoutMs: settings.installTimeoutMs + settings.limits.graceMs,
      onChanged: () => dispatcher.pump(),
      openHost: () => this.#openHost(),
    });
    this.#watchdog = new Watchdog({
      clock,
      links: () => this.supervisor.workingLinks(),
      onSuspect: (link, run) => {
        dispatcher.scheduler.remove(link);
        this.supervisor.mark(link, "suspected", `Run ${run.id} is past its limit.`);
      },
      onRecovered: (link) => {
        this.supervisor.mark(link, "recovered", "The run past its limit has ended.");
        if (this.supervisor.upLinks().includes(link)) dispatcher.addLink(link);
      },
      onDead: (link, hung) => this.#onDead(link, hung),
    });
  }

  /**
   * Opens the workers. Rejects, with nothing left running, when the engine cannot be loaded or no
   * worker can start.
   */
  static async start(
    platform: Platform,
    settings: PoolSettings,
    registry: Registry,
    options: CoreStart = {},
  ): Promise<PoolCore> {
    const launch = options.launch ?? new Launch(platform, settings, options.lastWorkerId);
    const start = async (): Promise<PoolCore> => {
      const core = new PoolCore(settings, registry, await launch.engineModule, launch, options);
      if (options.files !== undefined || registry.hostFunctions().length > 0) {
        (await core.#openHost()).check(registry.hostFunctions());
      }
      await core.#takeCare();
      options.onCreated?.(core);
      await core.supervisor.start(settings.workers);
      return core;
    };
    return launch.until(start());
  }

  async #openHost(): Promise<PoolHost> {
    const { PoolHost } = await loadPart("host functions", () => import("./host.ts"));
    this.host ??= new PoolHost(this.registry, this.clock, this.files);
    return this.host;
  }

  /** Aborted when the pool is closed: nobody waits for what is still on its way to be defined. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Throws when it is too late to define anything. */
  checkOpen(): void {
    if (this.isClosed) throw tooLate();
  }

  /** Refuses new runs and waits until all accepted ones have settled. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /**
   * Refuses new runs, rejects waiting ones, waits for those in flight (not with `force`), and ends
   * the workers. Calling it again with `force` cuts the waiting short.
   */
  close(force: boolean): Promise<void> {
    this.#closed.abort(tooLate());
    this.#closing ??= this.#close();
    if (force) this.#force();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    this.admission.refusal ??= this.#closedError("is draining");
    await this.#whenIdle();
    this.events.emit("drain", {});
  }

  async #close(): Promise<void> {
    const closed = this.#closedError("is closed");
    const { admission, dispatcher, supervisor, settings } = this;
    admission.refusal = closed;
    const forced = new Promise<"forced">((resolve) => {
      this.#force = () => resolve("forced");
    });
    dispatcher.rejectQueued(closed);
    this.sessions?.close();
    // In a task of its own, so that close({ force: true }) has had its say.
    await Promise.resolve();
    let cancelTimeout: (() => void) | undefined;
    const timedOut = new Promise<"late">((resolve) => {
      cancelTimeout = this.clock.schedule(settings.closeTimeoutMs, () => resolve("late"));
    });
    const end = await Promise.race([forced, this.#whenIdle(), timedOut]);
    cancelTimeout?.();
    const links = supervisor.upLinks();
    if (end !== "forced" && end !== "late") {
      const shutdowns = links.map(async (link) => {
        await link.requests.make(
          "shut down",
          () => link.handle.control.shutdown(),
          settings.limits.graceMs,
        );
        this.events.emit("worker-shutdown", { workerId: link.workerId });
      });
      await Promise.race([forced, Promise.allSettled(shutdowns)]);
    }
    this.#watchdog.stop();
    this.quarantine.stop();
    this.#care?.stop();
    for (const link of supervisor.workingLinks()) dispatcher.rejectInFlight(link, closed);
    dispatcher.rejectQueued(closed);
    await supervisor.stop("The pool is closed.");
    await this.files?.settled();
    this.events.emit("closed", {});
  }

  /** Most pools do without: they do not load it. */
  async #takeCare(): Promise<void> {
    const { recycle, memory, restart } = this.settings;
    const limits = [recycle.afterRuns, recycle.aboveMemoryBytes, memory.maxBytes];
    if (limits.every((limit) => limit === 0)) return;
    const { WorkerCare } = await loadPart(
      "recycling and watermarks",
      () => import("./worker-care.ts"),
    );
    const { clock, events, supervisor, dispatcher } = this;
    const retryMs = restart.maxDelayMs;
    this.#care = new WorkerCare({
      recycle,
      memory,
      retryMs,
      clock,
      events,
      supervisor,
      dispatcher,
    });
  }

  #closedError(state: string): RunErrorFactory {
    return (run) =>
      new SkepError("closed", `The pool ${state}, so "${run.name}" was not run to its end.`, {
        receipt: this.settlement.receipt(run),
      });
  }

  /** Resolves when all accepted runs have settled; none may be accepted any more. */
  #whenIdle(): Promise<void> {
    const { dispatcher, settlement } = this;
    this.#idle ??= new Promise((resolve) => {
      settlement.onSettled = () => {
        if (dispatcher.isIdle) resolve();
      };
      settlement.onSettled();
    });
    return this.#idle;
  }

  #onBroken(link: WorkerLink, what: string, error: unknown): void {
    const detail = messageOf(error);
    const message = `Worker ${link.workerId} ${what}: ${detail}`;
    const name = error instanceof UnknownMessageError ? "unknown-message" : "worker-broken";
    this.events.emit("warning", { name, message, workerId: link.workerId });
    this.supervisor.lose(link, { reason: message });
  }

  /** The watchdog has given a worker up. */
  #onDead(link: WorkerLink, hung: Run | undefined): void {
    if (hung === undefined) {
      this.supervisor.lose(link, { reason: "It stopped answering." });
      return;
    }
    const reason = `Run ${hung.id} did not react to being interrupted.`;
    this.supervisor.lose(link, { reason, isDeliberate: true, detail: new HungRun(hung) });
  }

  #onLost(link: WorkerLink, { reason, isDeliberate = false, detail }: WorkerLoss): void {
    this.sessions?.lost(link, reason);
    if (detail instanceof HungRun) {
      const { run } = detail;
      // A run that its worker forgot is not known to be what kept the worker busy.
      if (runInside(link) === run) this.#blame(run, "hang", reason);
      const receipt = this.settlement.receipt(run);
      const error =
        run.cancelledAtMs === undefined ? hungError(run, receipt) : abortedError(run, receipt);
      this.dispatcher.release(link, { reason, suspects: [], blamed: { run, error } });
    } else if (isDeliberate) {
      this.dispatcher.release(link, { reason, suspects: [] });
    } else {
      const inside = runInside(link);
      if (inside !== undefined) this.#blame(inside, "crash", reason);
      this.dispatcher.release(link, { reason, suspects: suspectsOf(link) });
    }
  }

  /** Before the worker's runs are sent elsewhere: those of the same function must not be. */
  #blame(run: Run, offence: Offence, reason: string): void {
    if (this.quarantine.blame(run, offence, reason)) this.dispatcher.review();
  }

  #onExhausted(reason: string, hasWaited: boolean): void {
    const { maxPerWorker } = this.settings.restart;
    const message = hasWaited
      ? `No worker is left, and none came. ${reason} Create a new pool.`
      : `No worker is left: each was restarted ${maxPerWorker} times and lost again. ` +
        `The last one: ${reason} Create a new pool, or raise restart.maxPerWorker.`;
    const error: RunErrorFactory = (run) => {
      return new SkepError("worker-lost", message, { receipt: this.settlement.receipt(run) });
    };
    this.admission.refusal ??= error;
    this.dispatcher.rejectQueued(error);
  }
}

/**
 * The runs that may have brought a worker down: the one inside its engine, where that is known, or
 * all that had begun, where that is; else all that were not waiting for something, and all of them
 * where not even that can be trusted.
 */
function suspectsOf(link: WorkerLink): Run[] {
  const inside = runInside(link);
  if (inside !== undefined) return [inside];
  const seen = link.inFlight.get(link.handle.signals?.lastSeenRunId?.() ?? 0);
  if (seen !== undefined && !seen.isParked) {
    return link.inFlight.values().filter((run) => run === seen || run.isParked);
  }
  // Where there are signals, no message says that a run which waited is inside again.
  const { signals } = link.handle;
  const isKnown = signals === undefined || signals.activity() !== undefined;
  return link.inFlight.values().filter((run) => !isKnown || !run.isParked);
}

/** The run in a worker's engine, where that is known. */
function runInside(link: WorkerLink): Run | undefined {
  const { signals } = link.handle;
  if (signals === undefined) return link.inFlight.get(link.enteredRunId);
  // The signal block outlives its worker, and says what it was doing last.
  return link.inFlight.get(signals.activity()?.runId ?? 0);
}

function tooLate(): SkepError {
  return new SkepError("closed", "The pool is closed: nothing can be defined or undefined.");
}
