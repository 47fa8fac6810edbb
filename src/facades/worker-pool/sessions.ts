/** The sessions of a pool that were not released. */
import { PoolDisposedError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { WorkerPoolSettings } from "./options.ts";
import { WorkerSession } from "./session.ts";
import type { Globals, Tasks } from "./tasks.ts";
import type { Workers } from "./workers.ts";

export class WorkerSessions {
  readonly #workers: Workers;
  readonly #tasks: Tasks;
  readonly #settings: WorkerPoolSettings;
  readonly #log: Log | undefined;
  readonly #active = new Set<WorkerSession>();
  #lastSession = 0;

  constructor(workers: Workers, tasks: Tasks, settings: WorkerPoolSettings, log: Log | undefined) {
    this.#workers = workers;
    this.#tasks = tasks;
    this.#settings = settings;
    this.#log = log;
  }

  get count(): number {
    return this.#active.size;
  }

  /** Opens one. `globals` says before each task what is to be put on its global object. */
  async open(globals?: () => Globals | undefined): Promise<WorkerSession> {
    const { core } = this.#workers;
    if (core.isClosed) throw new PoolDisposedError();
    const opened = await this.#workers.openSession().catch((error: unknown) => {
      throw core.isClosed ? new PoolDisposedError() : error;
    });
    const session = new WorkerSession(`session-${++this.#lastSession}`, opened, {
      tasks: this.#tasks,
      log: this.#log,
      defaultTimeoutMs: this.#settings.defaultTimeoutMs,
      globals,
      isPoolDisposed: () => core.isClosed,
      onReleased: (released) => this.#active.delete(released),
    });
    this.#log?.("log", `Creating session ${session.sessionId} on worker #${session.workerId}`);
    this.#active.add(session);
    return session;
  }

  releaseAll(): void {
    for (const session of this.#active) session.release();
  }
}
