/**
 * What a pool sets in motion before anything else: the engine is loaded and the first workers load
 * their code while the pool's own code is still on its way.
 */
import type { Platform, WorkerEnd, WorkerHandle } from "../environments/contract.ts";
import { SkepError } from "../errors.ts";
import type { PoolSettings } from "./options.ts";

export class Launch {
  /** Undefined where workers load their own. */
  readonly engineModule: Promise<WebAssembly.Module | undefined>;
  /** Workers that nobody has taken yet, by number. */
  readonly #workers = new Map<number, Promise<EarlyWorker>>();

  /** Workers are numbered from the one after `lastWorkerId` on. */
  constructor(platform: Platform, settings: PoolSettings, lastWorkerId: number = 0) {
    const { environment, engine } = settings;
    this.engineModule =
      environment.loadsEngine === true ? Promise.resolve(undefined) : platform.loadEngine(engine);
    // Whoever awaits it is told; until then it must not count as unhandled.
    this.engineModule.catch(() => {});
    for (let index = 1; index <= settings.workers; index++) {
      const workerId = lastWorkerId + index;
      const worker = openEarly(settings, workerId);
      worker.catch(() => {});
      this.#workers.set(workerId, worker);
    }
  }

  /** The worker of that number, for one taker; undefined where none was launched. */
  take(workerId: number): Promise<WorkerHandle> | undefined {
    const worker = this.#workers.get(workerId);
    this.#workers.delete(workerId);
    return worker?.then(({ handle, end }) => {
      const ended = end();
      if (ended === undefined) return handle;
      const { reason, cause } = ended;
      const message = `Worker ${workerId} ended before it was started: ${reason}`;
      throw new SkepError("unsupported-environment", message, { cause });
    });
  }

  /** The outcome of `start`; when it fails, the workers that it did not take are ended. */
  async until<Result>(start: Promise<Result>): Promise<Result> {
    try {
      return await start;
    } catch (error) {
      await this.#dismiss();
      throw error;
    }
  }

  async #dismiss(): Promise<void> {
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.allSettled(workers.map(async (worker) => (await worker).handle.terminate()));
  }
}

/** An open worker without an owner. */
interface EarlyWorker {
  handle: WorkerHandle;
  /** How it ended, if it did. */
  end: () => WorkerEnd | undefined;
}

async function openEarly(settings: PoolSettings, workerId: number): Promise<EarlyWorker> {
  const { environment, maxInFlightPerWorker, maxParkedPerWorker, startTimeoutMs } = settings;
  // As the supervisor gives them: runs that wait keep theirs.
  const slots = maxInFlightPerWorker + maxParkedPerWorker;
  const network = settings.fetch !== undefined;
  const handle = await environment.open({ workerId, slots, network, startTimeoutMs });
  let ended: WorkerEnd | undefined;
  // Its end would go unheard until it has an owner, who then listens in this one's stead.
  handle.onEnd = (end) => {
    ended = end;
  };
  return { handle, end: () => ended };
}
