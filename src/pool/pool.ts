/** The public face of a pool. */
import type { Platform } from "../environments/contract.ts";
import { SkepError } from "../errors.ts";
import { loadPart } from "../load-part.ts";
import {
  type Definitions,
  type FunctionInput,
  type FunctionTable,
  type CheckedDefinitions,
  isComplete,
  prepareDefinitions,
  prepareUndefinitions,
  type Undefinitions,
} from "../registry/definitions.ts";
import type { RegistryDescription } from "../registry/contents.ts";
import type { PoolCore } from "./core.ts";
import { callSurface } from "./call-surface.ts";
import type { Crossed } from "./crossed.ts";
import type { PoolEventName, PoolListener } from "./events.ts";
import type { PoolFiles } from "./files/pool-files.ts";
import type { QuarantinedFunction } from "./quarantine.ts";
import type { EvalOptions, Execution, RunOptions, RunOutcome } from "./run.ts";
import { loadSourcing } from "./load-sourcing.ts";
import type { PoolStatistics } from "./statistics.ts";
import type { RestoreOptions, Session, SnapshotOptions } from "./session.ts";
import type { SessionOptions } from "./session-options.ts";
import type { Sessions } from "./sessions.ts";
import { NO_OPTIONS, Submissions } from "./submissions.ts";
import type { Telemetry } from "./telemetry.ts";
import type { WorkerState } from "./worker-state.ts";

/**
 * A defined function as the host calls it: the same parameters, and a promise of what arrives of its
 * result. Of overloads that is the last, and of a generic function the one without type arguments.
 * What a text takes and returns is not known.
 */
export type RemoteFunction<Input> = Input extends (...args: infer Parameters) => infer Result
  ? (...args: KnownParameters<Parameters>) => Promise<Crossed<Awaited<Result>>>
  : (...args: unknown[]) => Promise<unknown>;

/** Of a function of any kind, {@link FunctionInput}, the parameters are never known. */
type KnownParameters<Parameters extends unknown[]> = number extends Parameters["length"]
  ? [Parameters[number]] extends [never]
    ? unknown[]
    : Parameters
  : Parameters;

/**
 * What `define()` resolves with: a function to call for each function defined. One called `then` is
 * left out, or the object would be taken for a promise; it runs with `pool.run("then")`.
 */
export type RemoteFunctions<Functions> = {
  [Name in keyof Functions as Exclude<Name, "then">]: RemoteFunction<Functions[Name]>;
};

/**
 * The functions of a pool as `pool.call` has them. Where nothing is known about them, or only that
 * they have names, any call is allowed.
 */
export type Calls<Functions> = string extends keyof Functions
  ? // oxlint-disable-next-line typescript/no-explicit-any -- see above
    any
  : RemoteFunctions<Functions>;

/** A table of functions, also where it is an interface, which has no index signature. */
export type FunctionsOf<Functions> = { [Name in keyof Functions]: FunctionInput };

/** One worker's health. */
export interface WorkerHealth {
  id: number;
  state: WorkerState;
  /** Why it cannot start yet, where a machine has to give it and none can; undefined elsewhere. */
  waitsFor: string | undefined;
  /** Runs in flight on it. */
  pending: number;
  /** Control requests it has not answered. */
  pendingControl: number;
  /** Restarts of its place that count against `restart.maxPerWorker`. */
  restartAttempt: number;
  /** All restarts of its place. */
  restarts: number;
  /** Bytes of WebAssembly memory of its sandboxes, as last reported; undefined before. */
  memoryBytes: number | undefined;
  /** What of it was ever touched: an estimate of what is really in memory. */
  usedBytes: number | undefined;
}

const STATISTICS_TIMEOUT_MS = 5_000;

/**
 * Sandboxes on workers: defines functions once, and runs them wherever there is room. `Functions`
 * is what TypeScript knows of the functions that are defined.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a pool of functions nobody knows
export class Pool<Functions = any> implements AsyncDisposable {
  /**
   * The defined functions by name: `pool.call.add(1, 2)`. They have the types of those that
   * `createPool()` was given, or of its type argument: `createPool<MyFunctions>()`. For what is
   * defined later there are `typed()` and what `define()` resolves with.
   */
  readonly call: Calls<Functions>;
  readonly #core: PoolCore;
  readonly #platform: Platform;
  readonly #submissions: Submissions;
  readonly #files: PoolFiles | undefined;

  /** Pools are made by `createPool`. */
  constructor(core: PoolCore, platform: Platform, telemetry?: Telemetry, files?: PoolFiles) {
    this.#core = core;
    this.#platform = platform;
    this.#submissions = new Submissions(core, telemetry);
    this.#files = files;
    this.call = callSurface((name, args) => this.run(name, args)) as Calls<Functions>;
  }

  /**
   * The files that guests share, as the host reads and writes them. Throws `invalid-argument` when
   * the pool was created without `files`.
   */
  get files(): PoolFiles {
    if (this.#files !== undefined) return this.#files;
    const message = "The pool has no files. Create it with createPool({ files: {} }).";
    throw new SkepError("invalid-argument", message);
  }

  /**
   * Defines functions, constants and dependencies in all workers, and resolves when all of them
   * have it. Rejects with `install-failed` when one refuses; then nothing has changed.
   */
  async define<const Functions extends FunctionsOf<Functions> = FunctionTable>(
    definitions: Definitions<Functions>,
  ): Promise<RemoteFunctions<Functions>> {
    // Before the first await: what the caller changes afterwards is too late.
    const prepared = prepareDefinitions(definitions);
    this.#core.checkOpen();
    const { installer } = this.#core;
    await (isComplete(prepared) ? installer.define(prepared) : this.#defineOrdered(prepared));
    const remotes = prepared.functions
      // A promise would take an object with a method of this name for another promise.
      .filter(({ name }) => name !== "then")
      .map(({ name }) => [name, (...args: unknown[]) => this.run(name, args)]);
    return Object.fromEntries(remotes) as RemoteFunctions<Functions>;
  }

  /** This pool, with other types for `call`: it does nothing and returns the pool itself. */
  typed<Others extends FunctionsOf<Others>>(): Pool<Others> {
    return this as unknown as Pool<Others>;
  }

  async #defineOrdered(checked: CheckedDefinitions): Promise<void> {
    const part = loadSourcing();
    const { installer, closed } = this.#core;
    const sourced = part.then(({ sourceDefinitions }) =>
      sourceDefinitions(this.#platform, checked, closed),
    );
    // In turn from now on, however long it takes.
    const installed = installer.define(sourced);
    await (await part).installing(this.#platform, checked, installed);
  }

  /**
   * Removes definitions from all workers. Unknown names are ignored. Rejects with `install-failed`
   * when others cannot do without them; then nothing has changed.
   */
  async undefine(names: Undefinitions): Promise<void> {
    const prepared = prepareUndefinitions(names);
    this.#core.checkOpen();
    await this.#core.installer.undefine(prepared);
  }

  /** What is defined, sorted by name, with the number of workers that have it. */
  registry(): RegistryDescription {
    const links = this.#core.supervisor.upLinks();
    return this.#core.registry.describe(
      (revision) => links.filter((link) => link.revision >= revision).length,
    );
  }

  /**
   * TypeScript declarations of the host functions: what a model or an editor needs to know to
   * write guest code. Functions defined with a `signature` have it.
   */
  describe(): string {
    return this.#core.host?.describe() ?? "";
  }

  /** Calls a defined function. */
  run<Result = unknown>(
    name: string,
    args: readonly unknown[] = [],
    options: RunOptions = NO_OPTIONS,
  ): Promise<Result> {
    return this.#submissions.run(name, args, options) as Promise<Result>;
  }

  /**
   * Evaluates source text: a script's completion value, with top-level await, or a module's
   * namespace.
   */
  eval<Result = unknown>(source: string, options: EvalOptions = NO_OPTIONS): Promise<Result> {
    return this.#submissions.eval(source, options) as Promise<Result>;
  }

  /**
   * Runs a function or source text, and resolves with how it ended and what it cost. Rejects only
   * when it is called wrongly (`invalid-argument`).
   */
  execute<Value = unknown>(
    execution: Execution,
    options: RunOptions = NO_OPTIONS,
  ): Promise<RunOutcome<Value>> {
    return this.#submissions.execute(execution, options) as Promise<RunOutcome<Value>>;
  }

  /**
   * Opens a session: one sandbox that keeps its state across runs. It begins with what is defined
   * now.
   */
  async session(options: SessionOptions = {}): Promise<Session> {
    return (await this.#sessions()).open(options);
  }

  /**
   * A session that goes on where a snapshot was taken: on any worker, in another process, in a
   * browser or in Node. The pool must have the definitions that the snapshot's had. Rejects with
   * `image-refused` when the image does not fit, was damaged, or is not signed with the secret.
   */
  async restore(image: Uint8Array, options: RestoreOptions = {}): Promise<Session> {
    return (await this.#sessions()).restore(image, options);
  }

  /**
   * The pool's definitions, evaluated, as bytes: what `createPool({ image })` starts from without
   * evaluating them again. Of host functions it has the names.
   */
  async image({ secret }: SnapshotOptions = {}): Promise<Uint8Array> {
    const { poolImage } = await loadPart("images", () => import("./pool-image.ts"));
    this.#core.checkOpen();
    return poolImage(this.#core, secret ?? this.#core.settings.secret);
  }

  async #sessions(): Promise<Sessions> {
    const { Sessions } = await loadPart("sessions", () => import("./sessions.ts"));
    this.#core.checkOpen();
    return (this.#core.sessions ??= new Sessions(this.#core, this.#submissions));
  }

  /** Counters and histograms since the pool was created. */
  stats(): PoolStatistics {
    const { seats } = this.#core.supervisor;
    const { dispatcher, settlement } = this.#core;
    function count(state: WorkerState): number {
      return seats.filter((seat) => seat.state === state).length;
    }
    return {
      workers: {
        total: seats.length,
        ready: count("ready"),
        starting: count("starting"),
        degraded: count("degraded"),
        restarting: count("restarting"),
        stopped: count("stopped"),
      },
      queued: dispatcher.queue.size + dispatcher.sessionRuns.waitingCount,
      sessions: this.#core.sessions?.counts() ?? { active: 0, hibernated: 0 },
      inFlight: dispatcher.inFlight.count,
      completed: settlement.completed,
      failed: settlement.failed,
      refused: settlement.refused,
      waitMs: settlement.waitMs.summary(),
      runMs: settlement.runMs.summary(),
      restarts: seats.reduce((sum, seat) => sum + seat.restarts, 0),
      ...settlement.totals(),
    };
  }

  /**
   * What `stats()` counts, as Prometheus reads it (text exposition format 0.0.4, to be served as
   * `text/plain; version=0.0.4; charset=utf-8`).
   */
  async metrics(): Promise<string> {
    const { metricsText } = await loadPart("metrics", () => import("./metrics.ts"));
    const { waitMs, runMs } = this.#core.settlement;
    return metricsText({ statistics: this.stats(), health: this.health(), waitMs, runMs });
  }

  /** Each worker's health, by id. Asking also has the workers report their memory again. */
  health(): WorkerHealth[] {
    const { supervisor, clock, settings } = this.#core;
    const now = clock.now();
    const health = supervisor.seats.map((seat) => ({
      id: seat.workerId,
      state: seat.state,
      waitsFor: seat.waitsFor,
      pending: seat.link?.inFlightCount ?? 0,
      pendingControl: seat.link?.requests.pendingCount ?? 0,
      restartAttempt: seat.usedAttempts(now, settings.restart.healthyAfterMs),
      restarts: seat.restarts,
      memoryBytes: seat.link?.statistics?.memoryBytes,
      usedBytes: seat.link?.statistics?.usedBytes,
    }));
    for (const link of supervisor.upLinks()) void link.refreshStatistics(STATISTICS_TIMEOUT_MS);
    return health.sort((left, right) => left.id - right.id);
  }

  /**
   * Terminates a worker and opens its replacement at once. Its runs in flight run again elsewhere,
   * and no restart is used up. The replacement has a new id: see the event `worker-restarted`.
   * Returns false, and does nothing, when no worker with that id is up.
   */
  restartWorker(workerId: number): boolean {
    const { supervisor } = this.#core;
    const link = supervisor.upLinks().find((candidate) => candidate.workerId === workerId);
    if (link === undefined) return false;
    supervisor.lose(link, { reason: "Its restart was asked for.", isDeliberate: true });
    return true;
  }

  /** Functions and evaluations that are refused because they cost too many workers. */
  quarantined(): QuarantinedFunction[] {
    return this.#core.quarantine.list();
  }

  /**
   * Lifts the quarantine of a function, by its name, an evaluation's file name, or the hash of its
   * source. Returns false when nothing of that name is in quarantine.
   */
  release(name: string): boolean {
    const hash = this.#core.registry.admission(name)?.hash ?? name;
    return this.#core.quarantine.release(
      (entry) => entry.name === name || entry.hash === name || entry.hash === hash,
    );
  }

  /** Calls `listener` for each event of that name, until the returned function is called. */
  on<Name extends PoolEventName>(name: Name, listener: PoolListener<Name>): () => void {
    return this.#core.events.on(name, listener);
  }

  /** Refuses new runs, and resolves when all accepted ones have settled. */
  async drain(): Promise<void> {
    const arrival = this.#submissions.arrival();
    if (arrival !== undefined) await arrival;
    return this.#core.drain();
  }

  /**
   * Rejects waiting runs with `closed`, waits up to `closeTimeoutMs` for those in flight, then ends
   * the workers. With `force`, runs in flight are rejected as well and nothing is waited for.
   */
  close({ force = false }: { force?: boolean } = {}): Promise<void> {
    return this.#core.close(force);
  }

  /** `await using pool = await createPool()` closes the pool at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
