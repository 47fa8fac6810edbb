/** Brings changes of the registry to the workers, one change at a time. */
import { messageOf } from "../errors.ts";
import type { PoolHost } from "./host.ts";
import type { InstallFailure, RegistryChange } from "../protocol/control.ts";
import type { PreparedDefinitions } from "../registry/definitions.ts";
import type { Names, Registry } from "../registry/registry.ts";
import { createInstallError, textsIn, type WorkerInstallFailure } from "./install-failure.ts";
import type { Explain } from "./place.ts";
import type { Supervisor } from "./supervisor.ts";
import { ControlTimeoutError, WorkerGoneError } from "./control-requests.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface InstallerOptions {
  registry: Registry;
  supervisor: Supervisor;
  /** Milliseconds a worker may take for a change. */
  timeoutMs: number;
  explain: Explain;
  /** The registry has changed for everybody: waiting runs may be due, or be impossible now. */
  onChanged(): void;
  /** Gets ready for functions of the host. */
  openHost(): Promise<PoolHost>;
}

/** What became of a change in one worker. */
type Attempt =
  | { link: WorkerLink; type: "installed" }
  | { link: WorkerLink; type: "refused"; failure: InstallFailure }
  | { link: WorkerLink; type: "gone" };

export class Installer {
  readonly #options: InstallerOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: InstallerOptions) {
    this.#options = options;
  }

  /**
   * Installs definitions in every worker that is up. Rejects with an {@link InstallError} when one
   * refuses; then nothing has changed anywhere.
   */
  define(prepared: PreparedDefinitions | Promise<PreparedDefinitions>): Promise<void> {
    // Sources are fetched meanwhile, but installed in turn. What fails is reported then, too.
    if (prepared instanceof Promise) prepared.catch(() => {});
    return this.#inTurn(async () => this.#define(await prepared));
  }

  /**
   * Removes definitions; they cannot be used from the moment this is in turn. Rejects with an
   * {@link InstallError} when others cannot be installed without them; then they are back.
   */
  undefine(names: Names): Promise<void> {
    return this.#inTurn(async () => this.#undefine(names));
  }

  /** Definitions build on each other: each sees the outcome of the one before. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(task, task);
    // A failure is the caller's who asked for it, and must not reach the next.
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #define(prepared: PreparedDefinitions): Promise<void> {
    const { registry, supervisor } = this.#options;
    await supervisor.someoneUp();
    if (prepared.hosts?.length) (await this.#options.openHost()).check(prepared.hosts);
    const proposal = registry.propose(prepared);
    if (proposal === undefined) return;
    const attempts = await Promise.all(
      supervisor.upLinks().map((link) => this.#attempt(link, proposal.change)),
    );
    supervisor.checkOpen();
    const failures = attempts.flatMap((attempt) => failureOf(attempt));
    const installed = attempts.filter((attempt) => attempt.type === "installed");
    // A worker that is lost while it installs may be lost for its own reasons. When all of them
    // are, it is the definition, and replacements would go the same way.
    const isFatal = attempts.length > 0 && installed.length === 0;
    if (failures.length > 0 || isFatal) {
      const inverse = proposal.inverse();
      await Promise.all(installed.map(({ link }) => this.#bring(link, inverse)));
      const all = failures.length > 0 ? failures : lostFailures(attempts, prepared);
      throw createInstallError(all, this.#options.explain, { texts: textsIn(prepared) });
    }
    proposal.commit();
    this.#options.onChanged();
    await this.#catchUp();
  }

  async #undefine(names: Names): Promise<void> {
    const { registry, supervisor, explain } = this.#options;
    const removal = registry.remove(names);
    if (removal === undefined) return;
    this.#options.onChanged();
    // Nobody uses functions while definitions are installed; what is evaluated may use the others.
    if (names.dependencies.length + names.constants.length > 0) await supervisor.someoneUp();
    const attempts = await Promise.all(
      supervisor
        .upLinks()
        .filter((link) => link.revision < registry.revision)
        .map((link) => this.#attempt(link, registry.changeSince(link.revision))),
    );
    const failures = attempts.flatMap((attempt) => failureOf(attempt));
    if (failures.length > 0) {
      removal.restore();
      await this.#catchUp();
      const occasion = " without what was undefined, so that was taken back";
      throw createInstallError(failures, explain, { occasion });
    }
    await this.#catchUp();
  }

  async #attempt(link: WorkerLink, change: RegistryChange): Promise<Attempt> {
    const { timeoutMs, supervisor } = this.#options;
    try {
      const result = await link.install(change, timeoutMs);
      return result.ok
        ? { link, type: "installed" }
        : { link, type: "refused", failure: result.failure };
    } catch (error) {
      if (error instanceof WorkerGoneError) return { link, type: "gone" };
      const reason = messageOf(error);
      // Nobody knows what such a worker has installed by now.
      supervisor.lose(link, { reason, isDeliberate: error instanceof ControlTimeoutError });
      return { link, type: "refused", failure: { ...firstDefinition(change), message: reason } };
    }
  }

  /** Brings a change that must not fail: a worker that cannot follow is replaced. */
  async #bring(link: WorkerLink, change: RegistryChange): Promise<void> {
    const attempt = await this.#attempt(link, change);
    if (attempt.type !== "refused") return;
    const reason = `It could not follow the registry: ${attempt.failure.message}`;
    this.#options.supervisor.lose(link, { reason, isDeliberate: true });
  }

  /** Brings every worker that is up to the registry's revision. */
  async #catchUp(): Promise<void> {
    const { registry, supervisor } = this.#options;
    const behind = supervisor.upLinks().filter((link) => link.revision < registry.revision);
    await Promise.all(behind.map((link) => this.#bring(link, registry.changeSince(link.revision))));
    registry.forgetRemovals(supervisor.oldestRevision());
    this.#options.onChanged();
  }
}

function failureOf(attempt: Attempt): WorkerInstallFailure[] {
  if (attempt.type !== "refused") return [];
  return [{ workerId: attempt.link.workerId, failure: attempt.failure }];
}

/** Something to blame when a worker says nothing about which definition it was. */
function firstDefinition({ define }: RegistryChange): Pick<InstallFailure, "kind" | "name"> {
  return firstOf(define);
}

function firstOf(define: {
  dependencies: readonly { alias: string }[];
  constants: readonly { name: string }[];
  functions: readonly { name: string }[];
}): Pick<InstallFailure, "kind" | "name"> {
  const [dependency] = define.dependencies;
  if (dependency !== undefined) return { kind: "dependency", name: dependency.alias };
  const [constant] = define.constants;
  if (define.functions.length === 0 && constant !== undefined) {
    return { kind: "constant", name: constant.name };
  }
  return { kind: "function", name: define.functions[0]?.name ?? "" };
}

function lostFailures(
  attempts: readonly Attempt[],
  prepared: PreparedDefinitions,
): WorkerInstallFailure[] {
  return attempts.map(({ link: { workerId } }) => ({
    workerId,
    failure: { ...firstOf(prepared), message: "The worker was lost while it installed it." },
  }));
}
