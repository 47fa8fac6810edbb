/** The sessions of a pool: where they are opened, and what becomes of them when a worker goes. */
import type { RegistryChange } from "../protocol/control.ts";
import { ControlTimeoutError, WorkerGoneError } from "./control-requests.ts";
import type { PoolCore } from "./core.ts";
import { SkepError } from "../errors.ts";
import { decodeImage } from "./session-image.ts";
import { Base } from "./session-pack.ts";
import { SessionLine, type SessionSurroundings } from "./session-line.ts";
import { resolveSession, type SessionOptions, type SessionSettings } from "./session-options.ts";
import type { SessionStart } from "./session-place.ts";
import { type RestoreOptions, Session, workerFailure } from "./session.ts";
import type { Submissions } from "./submissions.ts";
import type { WorkerLink } from "./worker-link.ts";

export class Sessions {
  readonly #core: PoolCore;
  readonly #submissions: Submissions;
  readonly #lines = new Set<SessionLine>();
  readonly #surroundings: SessionSurroundings;
  #lastId = 0;
  #base: Base | undefined;
  #knownManifest: RegistryChange | undefined;

  constructor(core: PoolCore, submissions: Submissions) {
    this.#core = core;
    this.#submissions = submissions;
    this.#surroundings = {
      core,
      nextSessionId: () => ++this.#lastId,
      chooseWorker: () => this.#chooseWorker(),
      baseFor: (state, revision) => {
        if (this.#base?.revision !== revision) this.#base = new Base(state, revision);
        return this.#base;
      },
      onOpened: (line) => this.#add(line),
      onGone: (line) => this.#lines.delete(line),
    };
  }

  async open(options: SessionOptions): Promise<Session> {
    return this.#opened(resolveSession(options, this.#core.settings), {
      kept: undefined,
      isForeign: false,
    });
  }

  async restore(image: Uint8Array, options: RestoreOptions): Promise<Session> {
    const { secret, ...sessionOptions } = options;
    const settings = resolveSession(sessionOptions, this.#core.settings);
    const { supervisor, settings: pool } = this.#core;
    const surroundings = {
      manifest: this.#manifest(),
      engineBuild: supervisor.upLinks().find((link) => link.engineBuild !== "")?.engineBuild,
      limits: settings.limits,
    };
    const known = secret ?? pool.secret;
    const packed = await decodeImage(image, surroundings, known);
    try {
      return await this.#opened(settings, { kept: { packed }, isForeign: known === undefined });
    } catch (cause) {
      const isWorkers = cause instanceof ControlTimeoutError || cause instanceof WorkerGoneError;
      if (isWorkers) throw workerFailure("The session could not be opened", cause);
      if (cause instanceof SkepError || !(cause instanceof Error)) throw cause;
      const message = `The image is refused: no sandbox could be made of it: ${cause.message}`;
      throw new SkepError("image-refused", message, { cause });
    }
  }

  counts(): { active: number; hibernated: number } {
    const counts = { active: 0, hibernated: 0 };
    for (const { state } of this.#lines) if (state !== "ended") counts[state]++;
    return counts;
  }

  /** A worker is gone. */
  lost(link: WorkerLink, reason: string): void {
    for (const line of this.#on(link)) line.lost(reason);
  }

  /** A worker is to end: its sessions go elsewhere. */
  leave(link: WorkerLink): void {
    for (const line of this.#on(link)) void line.leave();
  }

  close(): void {
    for (const line of this.#lines) void line.close();
  }

  /** A session that comes too late for the end of all is closed like the others. */
  #add(line: SessionLine): void {
    this.#lines.add(line);
    if (this.#core.isClosed) void line.close();
  }

  /** What is defined now; the same object as long as nothing changes. */
  #manifest(): RegistryChange {
    const { registry } = this.#core;
    if (this.#knownManifest?.revision === registry.revision) return this.#knownManifest;
    const manifest = registry.changeSince(0);
    this.#knownManifest = manifest;
    return manifest;
  }

  #on(link: WorkerLink): SessionLine[] {
    return [...this.#lines].filter((line) => line.isOn(link));
  }

  async #opened(settings: SessionSettings, start: SessionStart): Promise<Session> {
    const line = new SessionLine(this.#surroundings, settings, this.#manifest(), start);
    this.#add(line);
    try {
      await line.open();
    } catch (error) {
      void line.close();
      throw start.kept === undefined
        ? workerFailure("A session could not be opened", error)
        : error;
    }
    return new Session(line, this.#core, this.#submissions);
  }

  /** The worker with the fewest sessions, and among those the one with the least to do. */
  async #chooseWorker(): Promise<WorkerLink> {
    const { supervisor, dispatcher, registry } = this.#core;
    await supervisor.someoneUp();
    const ready = dispatcher.scheduler.links;
    const links = ready.length > 0 ? ready : supervisor.upLinks();
    const current = links.filter(({ revision }) => revision >= registry.revision);
    const candidates = current.length > 0 ? current : links;
    const [first, ...others] = candidates;
    if (first === undefined) throw new Error("No worker is up.");
    return others.reduce((best, link) => (loadOf(link) < loadOf(best) ? link : best), first);
  }
}

function loadOf({ sessionCount, inFlightCount }: WorkerLink): number {
  return sessionCount + inFlightCount / 1e6;
}
