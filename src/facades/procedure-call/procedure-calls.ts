/** The facade itself, on whatever platform `index*` put it. */
import type { Environment, Platform } from "../../environments/contract.ts";
import { SkepError } from "../../errors.ts";
import { loadPart } from "../../load-part.ts";
import type { CoreSurroundings, PoolCore } from "../../pool/core.ts";
import { InstallError } from "../../pool/install-error.ts";
import { callSurface } from "../../pool/call-surface.ts";
import { Launch } from "../../pool/launch.ts";
import { resolveOptions } from "../../pool/options.ts";
import type { DefinitionKind } from "../../protocol/control.ts";
import type { PreparedDefinitions } from "../../registry/definitions.ts";
import type { RegistryDescription } from "../../registry/contents.ts";
import { type Names, Registry } from "../../registry/registry.ts";
import { Calls } from "./calls.ts";
import {
  checkedConstant,
  checkedDependency,
  checkedFunction,
  type DependencyShape,
  fieldsOf,
  shapeOf,
} from "./definitions.ts";
import { notInstalled, notRunning, plainError } from "./errors.ts";
import { followPool, type WorkerEventListener, WorkerEvents } from "./events.ts";
import { healthOf, type WorkerHealthInformation } from "./health.ts";
import {
  checkInteger,
  poolOptions,
  type ProcedureCallSettings,
  resolveSettings,
  type WorkerProcedureCallOptions,
} from "./options.ts";

/** Where workers run, and what tests replace. */
export interface ProcedureCallHome extends CoreSurroundings {
  platform: Platform;
  environment: string | Environment;
  /** Says what is wrong with a module that workers here cannot load. */
  refuseModule?: ((specifier: string) => string | undefined) | undefined;
}

export interface RemoteFunctionInformation {
  name: string;
  /** The text of the first parameter. */
  parameter_signature: string | null;
  /** SHA-1 of the source with normalized line ends, trimmed. */
  function_hash_sha1: string;
  installed_worker_count: number;
}

export interface WorkerDependencyInformation extends DependencyShape {
  alias: string;
  installed_worker_count: number;
}

export interface WorkerConstantInformation {
  name: string;
  installed_worker_count: number;
}

/** `starting` and `stopping` end by themselves. */
type Lifecycle = "stopped" | "starting" | "running" | "stopping";

/** One definition on its way to the workers. */
interface Change {
  kind: DefinitionKind;
  name: string;
  command: string;
}

export class ProcedureCalls {
  /**
   * The defined functions by name: `call.resize(image)`. Untyped, because what is defined is only
   * known at run time.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  readonly call: any;

  readonly #home: ProcedureCallHome;
  readonly #settings: ProcedureCallSettings;
  readonly #registry: Registry = new Registry();
  readonly #events: WorkerEvents = new WorkerEvents();
  #state: Lifecycle = "stopped";
  #core: PoolCore | undefined;
  #calls: Calls | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #lastWorkerId = 0;
  #lastCall = 0;
  #lastControl = 0;

  constructor(home: ProcedureCallHome, options: WorkerProcedureCallOptions) {
    this.#home = home;
    this.#settings = resolveSettings(options);
    this.call = callSurface((name, args) => this.#invoke(name, args));
  }

  /**
   * Defines a function, or defines it anew. Resolves when all workers that are up have it; rejects
   * when one of them cannot take it, and then nothing has changed.
   */
  async defineWorkerFunction(params: {
    name: string;
    worker_func: (...args: never[]) => unknown;
  }): Promise<void> {
    const fields = fieldsOf(params, "defineWorkerFunction");
    const prepared = plainly(() => checkedFunction(fields));
    const { name } = prepared;
    await this.#define(
      { kind: "function", name, command: "define_function" },
      { functions: [prepared], constants: [], dependencies: [] },
    );
  }

  /** Removes a function; an unknown name is ignored. */
  async undefineWorkerFunction(params: { name: string }): Promise<void> {
    const { name } = fieldsOf(params, "undefineWorkerFunction");
    await this.#undefine({ functions: [String(name)], constants: [], dependencies: [] });
  }

  /** The documented spelling of {@link undefineWorkerFunction}. */
  undefineWokerFunction(params: { name: string }): Promise<void> {
    return this.undefineWorkerFunction(params);
  }

  /** What functions are defined, sorted by name. */
  async getRemoteFunctions(): Promise<RemoteFunctionInformation[]> {
    return this.#describe().functions.map(({ name, parameters, hash, installedWorkers }) => ({
      name,
      parameter_signature: parameters[0] ?? null,
      function_hash_sha1: hash,
      installed_worker_count: installedWorkers,
    }));
  }

  /**
   * Defines an alias under which worker functions import a module: all of it, one export
   * (`export_name`) or its default export. Only what is defined can be imported.
   */
  async defineWorkerDependency(params: {
    alias: string;
    module_specifier: string;
    export_name?: string | undefined;
    is_default_export?: boolean | undefined;
  }): Promise<void> {
    const fields = fieldsOf(params, "defineWorkerDependency");
    const { refuseModule = () => undefined } = this.#home;
    const prepared = plainly(() => checkedDependency(fields, refuseModule));
    await this.#define(
      { kind: "dependency", name: prepared.alias, command: "define_dependency" },
      { functions: [], constants: [], dependencies: [prepared] },
    );
  }

  /** Removes a dependency; an unknown alias is ignored. */
  async undefineWorkerDependency(params: { alias: string }): Promise<void> {
    const { alias } = fieldsOf(params, "undefineWorkerDependency");
    await this.#undefine({ functions: [], constants: [], dependencies: [String(alias)] });
  }

  /** What dependencies are defined, sorted by alias. */
  async getWorkerDependencies(): Promise<WorkerDependencyInformation[]> {
    return this.#describe().dependencies.map(({ alias, installedWorkers }) => ({
      alias,
      ...shapeOf(this.#registry.dependency(alias)),
      installed_worker_count: installedWorkers,
    }));
  }

  /** Defines a constant: any value that a structured clone can hold. */
  async defineWorkerConstant(params: { name: string; value: unknown }): Promise<void> {
    const fields = fieldsOf(params, "defineWorkerConstant");
    const prepared = plainly(() => checkedConstant(fields));
    await this.#define(
      { kind: "constant", name: prepared.name, command: "define_constant" },
      { functions: [], constants: [prepared], dependencies: [] },
    );
  }

  /** Removes a constant; an unknown name is ignored. */
  async undefineWorkerConstant(params: { name: string }): Promise<void> {
    const { name } = fieldsOf(params, "undefineWorkerConstant");
    await this.#undefine({ functions: [], constants: [String(name)], dependencies: [] });
  }

  /** What constants are defined, sorted by name; not their values. */
  async getWorkerConstants(): Promise<WorkerConstantInformation[]> {
    return this.#describe().constants.map(({ name, installedWorkers }) => ({
      name,
      installed_worker_count: installedWorkers,
    }));
  }

  /**
   * Starts workers, with options that override the constructor's until they are stopped. Resolves
   * when they have everything that is defined. Rejects, with nothing left running, when none can
   * start; a definition that is to blame for it is removed.
   */
  async startWorkers(params: { count: number } & WorkerProcedureCallOptions): Promise<void> {
    const { count, ...options } = fieldsOf(params, "startWorkers");
    checkInteger("count", count, 1);
    const settings = resolveSettings(options, this.#settings);
    if (this.#state !== "stopped") {
      throw new Error("Workers are already started or currently transitioning.");
    }
    this.#state = "starting";
    this.#starting = this.#start(count as number, settings);
    await this.#starting;
  }

  /**
   * Stops the workers. Calls that are pending may end within `stop_timeout_ms`; new ones are refused.
   * Stopping twice is stopping once.
   */
  stopWorkers(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  /** Calls `listener` for every event of a worker. Returns the number to remove it by. */
  onWorkerEvent(params: { listener: WorkerEventListener }): number {
    const { listener } = fieldsOf(params, "onWorkerEvent");
    if (typeof listener !== "function") throw new Error("listener must be a function.");
    return this.#events.add(listener as WorkerEventListener);
  }

  /** Removes a listener; an unknown number is ignored. */
  offWorkerEvent(params: { listener_id: number }): void {
    const { listener_id } = fieldsOf(params, "offWorkerEvent");
    this.#events.remove(listener_id as number);
  }

  /** The workers' health, sorted by their numbers. */
  getWorkerHealthStates(): WorkerHealthInformation[] {
    return this.#core === undefined ? [] : healthOf(this.#core);
  }

  #invoke(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#state !== "running" || this.#calls === undefined) return Promise.reject(notRunning());
    return this.#calls.call(name, args, `call_${++this.#lastCall}`);
  }

  async #start(count: number, settings: ProcedureCallSettings): Promise<void> {
    const { platform, environment, clock, random } = this.#home;
    try {
      const poolSettings = resolveOptions(platform, poolOptions(settings, count, environment));
      const lastWorkerId = this.#lastWorkerId;
      const launch = new Launch(platform, poolSettings, lastWorkerId);
      const start = async (): Promise<PoolCore> => {
        const { PoolCore: Core } = await loadPart(
          "running workers",
          () => import("../../pool/core.ts"),
        );
        return Core.start(platform, poolSettings, this.#registry, {
          clock,
          random,
          lastWorkerId,
          launch,
          onCreated: (created) => this.#adopt(created, settings),
        });
      };
      const core = await launch.until(start());
      this.#checkStillStarting();
      this.#calls = new Calls(core, settings, this.#events);
      this.#state = "running";
    } catch (error) {
      await this.#core?.close(true);
      this.#forget();
      if (error instanceof InstallError) this.#removeUninstallable(error);
      throw plainError(error);
    }
  }

  /** From here on definitions reach the workers that are being started. */
  #adopt(core: PoolCore, settings: ProcedureCallSettings): void {
    this.#checkStillStarting();
    this.#core = core;
    followPool(core, this.#events, { reportsExhaustion: settings.restart_on_failure });
    // Guests have no console of their own; worker threads print theirs on their process's.
    core.events.on("console", ({ level, text }) => console[level](text));
  }

  #checkStillStarting(): void {
    if (this.#state === "starting") return;
    throw new Error("Workers were stopped while they were starting.");
  }

  async #stop(): Promise<void> {
    if (this.#state === "stopped") return;
    const wasStarting = this.#state === "starting";
    this.#state = "stopping";
    const core = this.#core;
    if (wasStarting) {
      await core?.close(true);
      // Rejects: its caller is told that the workers were stopped.
      await this.#starting?.catch(() => {});
      this.#forget();
      return;
    }
    if (core === undefined) return;
    const isDrained = await Promise.race([core.drain().then(() => true), this.#stopTimeout(core)]);
    await core.close(!isDrained);
    this.#forget();
  }

  #stopTimeout(core: PoolCore): Promise<false> {
    return new Promise((resolve) => {
      const cancel = core.clock.schedule(core.settings.closeTimeoutMs, () => resolve(false));
      core.events.on("drain", cancel);
    });
  }

  #forget(): void {
    this.#lastWorkerId = this.#core?.supervisor.lastWorkerId ?? this.#lastWorkerId;
    this.#core = undefined;
    this.#calls = undefined;
    this.#state = "stopped";
  }

  /** No worker takes it, so no later start would succeed with it either. */
  #removeUninstallable(error: InstallError): void {
    const names = [error.definition];
    this.#reportRefusal(error, `define_${error.kind}`, this.#nextControl());
    this.#registry.remove({
      functions: error.kind === "function" ? names : [],
      constants: error.kind === "constant" ? names : [],
      dependencies: error.kind === "dependency" ? names : [],
    });
  }

  async #define({ kind, name, command }: Change, prepared: PreparedDefinitions): Promise<void> {
    const correlation = this.#nextControl();
    try {
      const isUp = await this.#throughInstaller((core) => core.installer.define(prepared));
      if (!isUp) this.#registry.propose(prepared)?.commit();
    } catch (error) {
      if (!(error instanceof InstallError)) throw plainError(error);
      this.#reportRefusal(error, command, correlation);
      throw notInstalled(error, { kind, name });
    }
  }

  async #undefine(names: Names): Promise<void> {
    this.#nextControl();
    const isUp = await this.#throughInstaller((core) => core.installer.undefine(names));
    if (!isUp) this.#registry.remove(names);
  }

  /**
   * Has the workers follow a change, where there are any. False when there are none: then the
   * registry is the only one to be told, and nobody else is changing it.
   */
  async #throughInstaller(change: (core: PoolCore) => Promise<void>): Promise<boolean> {
    for (;;) {
      const core = this.#core;
      if (core === undefined) return false;
      try {
        await change(core);
        return true;
      } catch (error) {
        const isGone =
          error instanceof SkepError && (error.code === "closed" || error.code === "worker-lost");
        if (!isGone) throw error;
        // They were stopped meanwhile; perhaps others were started since.
        if (this.#core === core) return false;
      }
    }
  }

  #nextControl(): string {
    return `control_${++this.#lastControl}`;
  }

  #reportRefusal(error: InstallError, command: string, correlation_id: string): void {
    for (const { workerId, message } of error.failures) {
      this.#events.worker(workerId, "control_command_failed", "error", {
        correlation_id,
        error: { name: "Error", message },
        details: { command },
      });
    }
  }

  #describe(): RegistryDescription {
    const links = this.#core?.supervisor.upLinks() ?? [];
    return this.#registry.describe(
      (revision) => links.filter((link) => link.revision >= revision).length,
    );
  }
}

/** Passes a result on, and an error as a plain one. */
function plainly<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    throw plainError(error);
  }
}
