/** The registry: deployments by suffix, each with workers of its own. */
import { hostname } from "node:os";
import type { Platform } from "../../environments/contract.ts";
import { SkepError } from "../../errors.ts";
import { display, invalid } from "../../pool/option-checks.ts";
import type { Pool } from "../../pool/pool.ts";
import { checkListener, DeploymentChannel } from "./channel.ts";
import { type InvokeOptions, RunningDeployment } from "./deployment.ts";
import { type HttpHandlerOptions, httpHandler, type HttpRequestHandler } from "./http.node.ts";
import { load } from "./loading.node.ts";
import type { DeploymentMetadata } from "./metadata.ts";
import {
  checkInput,
  type DeploymentInput,
  type DeploymentsOptions,
  type DeploymentsSettings,
  resolveDeployments,
} from "./options.ts";

/** What happens to the workers of a deployment, besides calls, and to a channel's listeners. */
export interface DeploymentEvent {
  type:
    | "worker-lost"
    | "worker-waiting"
    | "worker-restarted"
    | "worker-restart-failed"
    | "listener-failed";
  /** Empty for a channel that has loaded nothing. */
  suffix: string;
  /** For the log of the host: it may name what a caller must not see. */
  reason?: string | undefined;
}

/** A name: what runs under it, and what is being loaded to. */
interface Slot {
  version: string;
  running: RunningDeployment | undefined;
  /** Settles when the last thing that was asked for is done. Never rejects. */
  idle: Promise<void>;
  /** Bundles that were asked for and are not loaded yet. */
  waiting: number;
  /** Deleted: what is still being loaded comes too late. */
  isGone: boolean;
}

/**
 * Bundles of scripts whose functions are called by name, each bundle in supervised workers of its
 * own, each call in a fresh sandbox.
 */
export class BaseDeployments implements AsyncDisposable {
  readonly #platform: Platform;
  readonly #settings: DeploymentsSettings;
  readonly #slots = new Map<string, Slot>();
  /** What calls of older versions, and of deleted deployments, still finish in. */
  readonly #retiring = new Map<RunningDeployment, Promise<void>>();
  /** Bundles that are loaded for nobody any more. */
  readonly #abandoned = new Set<Promise<void>>();
  readonly #listeners = new Set<(event: DeploymentEvent) => void>();
  #isClosed = false;

  constructor(platform: Platform, options: DeploymentsOptions) {
    this.#platform = platform;
    this.#settings = resolveDeployments(options, hostname().replace(/[^\w.-]/g, "-"));
  }

  /** The first part of every address. */
  get prefix(): string {
    return this.#settings.prefix;
  }

  /**
   * Loads a bundle, and resolves with what is in it once its functions can be called. When the name
   * is in use, that is served until the new one is ready, and its calls finish. Rejects with the
   * reason, and leaves everything as it was, when the bundle cannot be loaded.
   */
  async deploy(input: DeploymentInput): Promise<DeploymentMetadata> {
    checkInput(input);
    this.#checkOpen();
    const { suffix, version = "v1" } = input;
    const slot = this.#slots.get(suffix) ?? this.#addSlot(suffix, version);
    // Before the first await: what the caller changes afterwards is too late.
    const copy = { ...input, ...(input.files && { files: { ...input.files } }) };
    slot.waiting++;
    const done = slot.idle.then(() => this.#load(slot, copy));
    slot.idle = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  /**
   * Calls a function: `sum`, or `src/add.js:sum` where several scripts export one. Rejects with
   * what the function threw (`GuestError`), or with the limit it reached.
   */
  async invoke(
    suffix: string,
    name: string,
    args: readonly unknown[] = [],
    options: InvokeOptions = {},
  ): Promise<unknown> {
    const { running } = this.#slot(suffix);
    if (typeof name !== "string") {
      throw invalid(`The name of a function must be a text, not ${display(name)}.`);
    }
    if (running === undefined) {
      throw new SkepError("deployment-not-ready", `"${suffix}" is being loaded. Try again soon.`);
    }
    return running.invoke(name, args, options);
  }

  /** What is known about a deployment. Throws `unknown-deployment`. */
  inspect(suffix: string): DeploymentMetadata {
    const { running, version } = this.#slot(suffix);
    const { prefix } = this.#settings;
    return (
      running?.metadata() ?? { status: "create", prefix, suffix, version, packages: {}, ports: [] }
    );
  }

  /** All deployments, by suffix. */
  list(): DeploymentMetadata[] {
    return [...this.#slots.keys()].sort().map((suffix) => this.inspect(suffix));
  }

  /**
   * Takes a deployment away: new calls find nothing, those in flight have `drainTimeoutMs` to
   * finish, or none with `force`, which also holds for those that older versions still had.
   * Resolves with whether there was one, when its workers have ended.
   */
  async delete(suffix: string, { force = false }: { force?: boolean } = {}): Promise<boolean> {
    checkSuffix(suffix);
    const slot = this.#slots.get(suffix);
    if (slot !== undefined) {
      this.#slots.delete(suffix);
      slot.isGone = true;
      const { idle, running } = slot;
      this.#abandoned.add(idle);
      void idle.then(() => this.#abandoned.delete(idle));
      if (running !== undefined) void this.#retire(running);
    }
    await Promise.all([this.#retired(suffix, force), slot?.idle]);
    return slot !== undefined;
  }

  /** Answers HTTP requests for deployments, for `WorkerServer.addHttpHandler`. */
  httpHandler(options: HttpHandlerOptions = {}): HttpRequestHandler {
    return httpHandler(this, options);
  }

  /** Messages in and out, as with the process that a deployment has in MetaCall. */
  channel(): DeploymentChannel {
    return new DeploymentChannel(this, (suffix, error) => {
      const reason = `A listener of messages threw ${String(error)}`;
      this.#tell({ type: "listener-failed", suffix, reason });
    });
  }

  /** Calls `listener` when a deployment loses a worker, until the returned function is called. */
  onEvent(listener: (event: DeploymentEvent) => void): () => void {
    checkListener(listener);
    const added = (event: DeploymentEvent): void => listener(event);
    this.#listeners.add(added);
    return () => void this.#listeners.delete(added);
  }

  /** Deletes all deployments, and takes no new ones. Resolves when nothing of them runs. */
  async close(options: { force?: boolean } = {}): Promise<void> {
    this.#isClosed = true;
    const suffixes = [...this.#slots.keys(), ...[...this.#retiring.keys()].map((of) => of.suffix)];
    await Promise.all(suffixes.map((suffix) => this.delete(suffix, options)));
    await Promise.all(this.#abandoned);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(slot: Slot, input: DeploymentInput): Promise<DeploymentMetadata> {
    const { suffix, version = "v1" } = input;
    const { prefix } = this.#settings;
    try {
      this.#checkThere(slot, suffix);
      const { pool, names, packages } = await load(this.#platform, this.#settings, input);
      const metadata = { prefix, suffix, version, packages, ports: [] };
      const fresh = new RunningDeployment(pool, names, metadata);
      if (slot.isGone) await fresh.retire(0);
      this.#checkThere(slot, suffix);
      this.#report(suffix, pool);
      const old = slot.running;
      slot.running = fresh;
      slot.version = version;
      if (old !== undefined) void this.#retire(old);
      return fresh.metadata();
    } finally {
      slot.waiting--;
      // A name under which nothing runs, and nothing will, is free again.
      const isUnused = slot.running === undefined && slot.waiting === 0;
      if (isUnused && this.#slots.get(suffix) === slot) this.#slots.delete(suffix);
    }
  }

  #retire(deployment: RunningDeployment): Promise<void> {
    const { drainTimeoutMs } = this.#settings;
    const retired = deployment
      .retire(drainTimeoutMs)
      .finally(() => this.#retiring.delete(deployment));
    this.#retiring.set(deployment, retired);
    return retired;
  }

  /** Resolves when nothing that had the name runs any more, but for what has it now. */
  async #retired(suffix: string, force: boolean): Promise<void> {
    const leaving = [...this.#retiring].filter(([deployment]) => deployment.suffix === suffix);
    if (force) await Promise.all(leaving.map(([deployment]) => deployment.end()));
    await Promise.all(leaving.map(([, retired]) => retired));
  }

  #report(suffix: string, pool: Pool): void {
    pool.on("worker-lost", ({ reason }) => this.#tell({ type: "worker-lost", suffix, reason }));
    pool.on("worker-waiting", ({ reason }) => {
      this.#tell({ type: "worker-waiting", suffix, reason });
    });
    pool.on("worker-restarted", () => this.#tell({ type: "worker-restarted", suffix }));
    pool.on("worker-restart-failed", ({ reason }) => {
      this.#tell({ type: "worker-restart-failed", suffix, reason });
    });
  }

  #tell(event: DeploymentEvent): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(event);
      } catch {
        // Its failure is its own, and there is nobody but listeners to tell.
      }
    }
  }

  #addSlot(suffix: string, version: string): Slot {
    const { maxDeployments } = this.#settings;
    if (this.#slots.size >= maxDeployments) {
      throw invalid(`There are ${maxDeployments} deployments already. Delete one first.`);
    }
    const idle = Promise.resolve();
    const slot: Slot = { version, running: undefined, idle, waiting: 0, isGone: false };
    this.#slots.set(suffix, slot);
    return slot;
  }

  #slot(suffix: string): Slot {
    checkSuffix(suffix);
    const slot = this.#slots.get(suffix);
    if (slot !== undefined) return slot;
    throw new SkepError("unknown-deployment", `There is no deployment "${suffix.slice(0, 128)}".`);
  }

  #checkThere(slot: Slot, suffix: string): void {
    if (!slot.isGone) return;
    throw new SkepError("closed", `"${suffix}" was deleted before it was loaded.`);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SkepError("closed", "No more deployments are taken: closed.");
  }
}

function checkSuffix(suffix: unknown): void {
  if (typeof suffix !== "string") throw invalid(`suffix must be a text, not ${display(suffix)}.`);
}
