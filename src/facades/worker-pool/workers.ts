/** The workers of one pool: in threads where there can be some, opened as they are needed. */
import type { Platform } from "../../environments/contract.ts";
import { SkepError } from "../../errors.ts";
import { loadPart } from "../../load-part.ts";
import type { CoreSurroundings, PoolCore } from "../../pool/core.ts";
import type { SharedFiles } from "../../pool/files/shared-files.ts";
import { Launch } from "../../pool/launch.ts";
import { resolveOptions } from "../../pool/options.ts";
import type { Session } from "../../pool/session.ts";
import type { Sessions } from "../../pool/sessions.ts";
import { isMultiThreadingSupported } from "./capabilities.ts";
import { MultiThreadingNotSupportedError } from "./errors.ts";
import { durationText, type Log } from "./log.ts";
import { poolOptions, type WorkerPoolSettings } from "./options.ts";

/** Where workers run, and what tests replace. */
export interface WorkerPoolHome extends CoreSurroundings {
  platform: Platform;
  /** The environment whose workers are threads; undefined where there can be none. */
  threads(): string | undefined;
}

export class Workers {
  readonly core: PoolCore;
  readonly isMultiThreaded: boolean;
  /** The most workers there may be. */
  readonly size: number;
  readonly #sessions: Promise<Sessions>;
  /** The session that is being opened last: they take turns, to spread over the workers. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(core: PoolCore, { poolSize }: WorkerPoolSettings) {
    this.core = core;
    this.isMultiThreaded = core.settings.environment.threaded;
    this.size = this.isMultiThreaded ? poolSize : 1;
    this.#sessions = loadSessions(core);
    // Whoever opens a session is told.
    this.#sessions.catch(() => {});
  }

  /** Workers with a task. */
  get busyCount(): number {
    return this.core.supervisor.upLinks().filter((link) => link.inFlightCount > 0).length;
  }

  /** Workers without one, those included that are yet to be opened. */
  get availableCount(): number {
    const lost = this.core.supervisor.seats.filter((seat) => seat.state === "stopped").length;
    return Math.max(0, this.size - lost - this.busyCount);
  }

  /** Tasks that wait. */
  get queuedCount(): number {
    const { queue, sessionRuns } = this.core.dispatcher;
    return queue.size + sessionRuns.waitingCount;
  }

  /** How many more tasks could be taken before `maxWaiting` of them have no worker in sight. */
  roomFor(maxWaiting: number): number {
    return maxWaiting + this.availableCount - this.core.dispatcher.queue.size;
  }

  /** Opens as many workers as tasks wait for, where there may be more. */
  grow(): void {
    const { supervisor, dispatcher } = this.core;
    const { seats } = supervisor;
    let coming = seats.filter((seat) => !seat.isUp && seat.state !== "stopped").length;
    for (; coming < dispatcher.queue.size && seats.length < this.size; coming++) {
      void supervisor.grow();
    }
  }

  /** Opens a session, on a worker of its own as long as there can be more workers. */
  openSession(): Promise<Session> {
    const opened = this.#opening.then(() => this.#openSession());
    this.#opening = opened.catch(() => {});
    return opened;
  }

  async #openSession(): Promise<Session> {
    const { supervisor } = this.core;
    const sessions = await this.#sessions;
    const isTaken = supervisor
      .upLinks()
      .every((link) => link.sessionCount + link.inFlightCount > 0);
    if (isTaken && supervisor.seats.length < this.size) await supervisor.grow();
    // Tasks of others run on its worker too: if one costs the worker, the session lives on.
    return sessions.open({ checkpoint: "each-run" });
  }
}

async function loadSessions(core: PoolCore): Promise<Sessions> {
  const [{ Sessions }, { Submissions }] = await Promise.all([
    loadPart("sessions", () => import("../../pool/sessions.ts")),
    loadPart("sessions", () => import("../../pool/submissions.ts")),
  ]);
  return (core.sessions ??= new Sessions(core, new Submissions(core, undefined)));
}

/**
 * Starts the first worker, or all of them. Where threads cannot be had everything runs in this one,
 * unless the settings forbid it: then it rejects with {@link MultiThreadingNotSupportedError}.
 */
export async function startWorkers(
  home: WorkerPoolHome,
  settings: WorkerPoolSettings,
  log: Log | undefined,
): Promise<Workers> {
  const threads = settings.forceSingleThreaded ? undefined : home.threads();
  if (threads !== undefined && settings.variant === "wasmfs" && !isMultiThreadingSupported()) {
    // Guests open files synchronously, for which a thread has to wait for this one.
    if (settings.forceMultiThreaded) throw new MultiThreadingNotSupportedError();
    const reason = "files need SharedArrayBuffer in threads, so everything runs in this one";
    log?.("warn", `variant "wasmfs": ${reason}, and files are kept in memory.`);
    return startIn(home, settings, "in-thread", log);
  }
  if (threads !== undefined) {
    try {
      return await startIn(home, settings, threads, log);
    } catch (error) {
      if (!(error instanceof SkepError) || error.code !== "unsupported-environment") throw error;
      if (settings.forceMultiThreaded) throw new MultiThreadingNotSupportedError(error);
      log?.("warn", `No worker could be started: ${error.message}`);
    }
  } else if (settings.forceMultiThreaded) throw new MultiThreadingNotSupportedError();
  return startIn(home, settings, "in-thread", log);
}

/**
 * The files of a pool: in a directory where one is given, in the storage of the page's origin where
 * threads can wait for it, else in memory.
 */
async function filesOf(
  platform: Platform,
  { variant, opfsMountPath, filesDirectory }: WorkerPoolSettings,
  threaded: boolean,
): Promise<SharedFiles | undefined> {
  if (variant !== "wasmfs") return undefined;
  const { openFiles } = await loadPart("shared files", () => import("../../pool/files/open.ts"));
  const isKept = threaded && platform.fileStorage.opfs !== undefined;
  const stored = isKept ? "opfs" : "memory";
  const backend = filesDirectory === undefined ? stored : { directory: filesDirectory };
  return (await openFiles(platform, { mount: opfsMountPath, backend })).shared;
}

async function startIn(
  { platform, clock, random }: WorkerPoolHome,
  settings: WorkerPoolSettings,
  environment: string,
  log: Log | undefined,
): Promise<Workers> {
  const resolved = resolveOptions(platform, poolOptions(settings, environment));
  // The task that was in a lost worker is told so, and never run twice, whatever it was at.
  const restart = { ...resolved.restart, maxAttemptsPerRun: 0 };
  const poolSettings = { ...resolved, restart };
  const { threaded } = poolSettings.environment;
  const startedAt = performance.now();
  log?.("log", announcement(settings, threaded));
  if (threaded && settings.preWarm) log?.("log", `Pre-warming ${settings.poolSize} workers...`);
  const launch = new Launch(platform, poolSettings);
  const start = async (): Promise<PoolCore> => {
    const [{ PoolCore: Core }, { Registry }, files] = await Promise.all([
      loadPart("running workers", () => import("../../pool/core.ts")),
      loadPart("running workers", () => import("../../registry/registry.ts")),
      filesOf(platform, settings, threaded),
    ]);
    const registry = new Registry({ bootstrap: settings.bootstrapCode });
    return Core.start(platform, poolSettings, registry, {
      clock,
      random,
      launch,
      files,
      onCreated: (created) => {
        if (log !== undefined) narrate(created, settings, log);
      },
    });
  };
  const core = await launch.until(start());
  const kind = threaded ? "Multi" : "Single";
  log?.("log", `${kind}-threaded executor ready in ${durationText(performance.now() - startedAt)}`);
  return new Workers(core, settings);
}

function announcement({ poolSize, variant }: WorkerPoolSettings, threaded: boolean): string {
  if (!threaded) return "Initializing single-threaded executor (fallback mode)...";
  const files = variant === "wasmfs" ? " (variant: wasmfs)" : "";
  return `Initializing multi-threaded executor with ${poolSize} workers${files}...`;
}

/** Tells of the workers' lives, and passes on what guests write. */
function narrate({ events, supervisor }: PoolCore, settings: WorkerPoolSettings, log: Log): void {
  const { poolSize, preWarm } = settings;
  let opened = 0;
  events.on("worker-spawned", ({ workerId }) => {
    const count = supervisor.seats.length;
    if (!preWarm && count > opened) {
      log("log", `Creating new worker #${workerId} (lazy init, ${count}/${poolSize})`);
    }
    opened = count;
    log("log", `Worker #${workerId}: Spawning worker thread...`);
  });
  events.on("worker-ready", ({ workerId }) => {
    log("log", `Worker #${workerId}: QuickJS runtime initialized`);
  });
  events.on("worker-lost", ({ workerId, reason }) => {
    log("error", `Worker #${workerId}: Worker crashed!`, reason);
  });
  events.on("console", ({ workerId, level, text }) => {
    log("log", `Worker #${workerId}: console.${level}:`, text);
  });
}
