/** From nothing to a worker that runs the engine and has all that is defined. */
import type { WorkerHandle } from "../environments/contract.ts";
import { messageOf, SkepError } from "../errors.ts";
import {
  IMAGE_REFUSED,
  type InstallFailure,
  type PreparedImages,
  type WorkerSettings,
} from "../protocol/control.ts";
import type { FileSetup } from "../protocol/file-calls.ts";
import type { Registry } from "../registry/registry.ts";
import type { Clock } from "./clock.ts";
import { createInstallError } from "./install-failure.ts";
import type { Launch } from "./launch.ts";
import type { PoolSettings } from "./options.ts";
import type { Explain } from "./place.ts";
import { SharedStart } from "./shared-start.ts";
import { type LinkListener, WorkerLink } from "./worker-link.ts";
import type { WorkerLoss } from "./supervisor.ts";

export interface WorkerStartOptions {
  settings: PoolSettings;
  /** Undefined where the worker loads its own. */
  engineModule: WebAssembly.Module | undefined;
  /** Has the first workers. */
  launch: Launch;
  prepared?: PreparedStart | undefined;
  registry: Registry;
  explain: Explain;
  /** About the files that guests share, where there are any. */
  files?: FileSetup | undefined;
  clock: Clock;
  listener: LinkListener;
}

/** Images that workers start from while the registry is at this revision. */
export interface PreparedStart {
  images: PreparedImages;
  revision: number;
}

/** Who is told how a start goes. */
export interface StartListener {
  /** It is about to leave by itself. */
  leaving(link: WorkerLink, reason: string): void;
  /** The pipe is open: from now on the worker can be lost. Throws when it is no longer wanted. */
  opened(link: WorkerLink): void;
  /** It has everything, and must be known as a worker from this very moment. */
  ready(link: WorkerLink): void;
  lost(link: WorkerLink, loss: WorkerLoss): void;
  /** See `WorkerSpec.onWait`; absent where nobody has the patience. */
  waiting?: ((reason: string | undefined) => void) | undefined;
}

export class WorkerStart {
  readonly #options: WorkerStartOptions;
  readonly #sharedStart = new SharedStart();

  constructor(options: WorkerStartOptions) {
    this.#options = options;
  }

  /** Starts a worker. Rejects with the reason, the worker terminated, when it does not get ready. */
  async run(workerId: number, listener: StartListener, signal?: AbortSignal): Promise<void> {
    const { settings, registry, clock, explain } = this.#options;
    let handle: WorkerHandle | undefined;
    let link: WorkerLink | undefined;
    try {
      const opened = await this.#open(workerId, listener.waiting, signal);
      handle = opened;
      const started = new WorkerLink(workerId, opened, settings, clock, this.#options.listener);
      link = started;
      opened.onEnd = ({ reason, exitCode, cause }) =>
        listener.lost(started, { reason, exitCode, cause });
      opened.onLeaving = (reason) => listener.leaving(started, reason);
      listener.opened(started);
      await this.#initialise(started);
      // A definition may be made while this worker installs the ones before it.
      while (started.revision < registry.revision) await this.#installMissing(started);
      listener.ready(started);
    } catch (error) {
      link?.end(`Worker ${workerId} could not start.`);
      if (handle !== undefined) await terminated(handle);
      throw startError(workerId, error, explain);
    }
  }

  /** Opens the pipe, and closes it again when it opens too late. */
  #open(
    workerId: number,
    waiting: StartListener["waiting"],
    signal: AbortSignal | undefined,
  ): Promise<WorkerHandle> {
    const { settings, launch, clock } = this.#options;
    const { environment, startTimeoutMs, fetch } = settings;
    const slots = settings.maxInFlightPerWorker + settings.maxParkedPerWorker;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const schedule = (): (() => void) =>
        clock.schedule(startTimeoutMs, () => {
          isLate = true;
          const message = `Worker ${workerId} did not load within ${startTimeoutMs} ms.`;
          reject(new SkepError("unsupported-environment", message));
        });
      let cancelTimeout = schedule();
      const network = fetch !== undefined;
      const onWait =
        waiting &&
        ((reason: string | undefined): void => {
          cancelTimeout();
          if (reason === undefined) cancelTimeout = schedule();
          waiting(reason);
        });
      const open = async (): Promise<WorkerHandle> =>
        launch.take(workerId) ??
        environment.open({ workerId, slots, network, startTimeoutMs, onWait, signal });
      open().then(
        (handle) => {
          cancelTimeout();
          if (isLate) void handle.terminate().catch(() => {});
          else resolve(handle);
        },
        (error: Error) => {
          cancelTimeout();
          reject(error);
        },
      );
    });
  }

  async #initialise(link: WorkerLink): Promise<void> {
    const { settings, engineModule, files } = this.#options;
    const prepared = this.#prepared();
    const { engine, isolation, limits, installTimeoutMs, environment, webApis, fetch } = settings;
    const { engineBuild } = await this.#sharedStart.initialise((start) =>
      link.requests.make(
        "start its engine",
        () =>
          link.handle.control.initialise({
            engine,
            engineModule,
            isolation,
            limits,
            webApis,
            fetch,
            files,
            installTimeoutMs,
            stackBytes: environment.stackBytes[engine],
            start,
            prepared,
          }),
        settings.startTimeoutMs,
      ),
    );
    link.engineBuild = engineBuild;
    if (prepared !== undefined) link.revision = prepared.change.revision;
  }

  /** Images of what is defined, and what that is; undefined where there are none of it as it is now. */
  #prepared(): WorkerSettings["prepared"] {
    const { prepared, registry } = this.#options;
    if (prepared?.revision !== registry.revision) return undefined;
    return { images: prepared.images, change: registry.changeSince(0) };
  }

  async #installMissing(link: WorkerLink): Promise<void> {
    const { registry, settings } = this.#options;
    const change = registry.changeSince(link.revision);
    const result = await link.install(change, settings.installTimeoutMs + settings.limits.graceMs);
    if (!result.ok) throw new InstallRefusal(result.failure);
  }
}

/** The end of what may not even be a worker: an environment of the user's own opened it. */
async function terminated(handle: WorkerHandle): Promise<void> {
  try {
    await handle.terminate();
  } catch {
    // Why it could not start says more.
  }
}

/** Carries a worker's refusal of the registry through its start. */
class InstallRefusal extends Error {
  constructor(readonly failure: InstallFailure) {
    super(failure.message);
  }
}

function startError(workerId: number, error: unknown, explain: Explain): SkepError {
  if (error instanceof InstallRefusal) {
    return createInstallError([{ workerId, failure: error.failure }], explain);
  }
  if (error instanceof SkepError) return error;
  if (error instanceof Error && error.name === IMAGE_REFUSED) {
    return new SkepError("image-refused", `The image is refused: ${error.message}.`);
  }
  const reason = messageOf(error);
  return new SkepError("unsupported-environment", `Worker ${workerId} could not start: ${reason}`, {
    cause: error,
  });
}
