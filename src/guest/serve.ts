/**
 * A worker's code, whatever thread it is in: the control interface, and the queue of runs behind
 * the data wire. Environments bring the surroundings.
 */
import { messageOf } from "../errors.ts";
import { transfer } from "comlink";
import type {
  EngineName,
  InstallResult,
  PreparedImages,
  RegistryChange,
  SessionState,
  WorkerControl,
  WorkerReady,
  WorkerSettings,
  WorkerStatistics,
} from "../protocol/control.ts";
import { BatchSender } from "../protocol/batch-sender.ts";
import type { MessageFromWorker } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import { writeFromWorker } from "../protocol/wire.ts";
import type { FetchPolicy } from "../protocol/fetch-policy.ts";
import type { Signals } from "../protocol/signals.ts";
import { CellSupply } from "./cell-supply.ts";
import { Cells } from "./cells.ts";
import type { GuestApiName } from "./apis/web-apis.ts";
import { loadEngine, loadTracking } from "./engine.ts";
import { EngineChoice } from "./engine-choice.ts";
import { engineBuildOf, startEngine, takeImages } from "./engine-start.ts";
import { Executor } from "./executor.ts";
import type { GuestRequests } from "./fetch/requests.ts";
import type { Transport } from "./fetch/transport.ts";
import { HostDoor } from "./host-door.ts";
import type { HostModules } from "./host-modules.ts";
import type { Image } from "./image.ts";
import { stateOfImage } from "./image-state.ts";
import type { AnswerNow } from "./host-visit.ts";
import { Inventory } from "./inventory.ts";
import { pagesFor } from "./sandbox.ts";
import { RunQueue } from "./run-queue.ts";
import { Sessions } from "./sessions.ts";
import { buildTemplate, InstallError, type TemplateSettings } from "./template.ts";

/** What the surrounding thread lends to the worker's code. */
export interface WorkerSurroundings {
  /** Sends a batch of the data wire to the parent. The bytes may be transferred. */
  readonly post: (batch: Payload) => void;
  /**
   * Whether the signals are shared with a relay in this process and not with the parent. What is
   * posted has then left the process when `post` returns, whatever becomes of it.
   */
  readonly isRelayed?: boolean | undefined;
  /** Compiles the engine; only where the parent cannot send it along. */
  readonly loadEngine?: ((engine: EngineName) => Promise<WebAssembly.Module>) | undefined;
  signals: Signals | undefined;
  hostModules: HostModules;
  /** Compiles the build of the engine that notes what it writes. */
  readonly loadTrackingEngine: () => Promise<WebAssembly.Module>;
  /** Loads what makes requests; called where guests may fetch something. */
  readonly loadTransport: () => Promise<Transport>;
  /** Answers synchronous host calls; only where guest and host share a thread. */
  answerNow?: AnswerNow | undefined;
}

/** The worker's side of the pipe. */
export interface WorkerService {
  /** To be exposed over Comlink. */
  control: WorkerControl;
  /** Takes a batch of the data wire from the parent. */
  onBatch(batch: Payload): void;
}

export function serveWorker(surroundings: WorkerSurroundings): WorkerService {
  const worker = new GuestWorker(surroundings);
  return {
    control: {
      initialise: (settings) => worker.initialise(settings),
      install: (change) => worker.install(change),
      statistics: async () => worker.statistics(),
      trim: async () => worker.trim(),
      openSession: (request) => worker.sessions.open(request),
      captureSession: (sessionId, ifQuiet) => worker.captureSession(sessionId, ifQuiet),
      captureImages: async () => worker.captureImages(),
      closeSession: async (sessionId) => worker.sessions.close(sessionId),
      shutdown: async () => worker.shutdown(),
    },
    onBatch: (batch) => worker.onBatch(batch),
  };
}

/** What exists once the engine runs. */
interface Running {
  template: TemplateSettings;
  empty: Image;
  cells: Cells;
  supply: CellSupply;
  queue: RunQueue;
  sessions: Sessions;
}

class GuestWorker {
  readonly #surroundings: WorkerSurroundings;
  #running: Running | undefined;
  #inventory = Inventory.empty();
  #stackBytes = 0;

  constructor(surroundings: WorkerSurroundings) {
    this.#surroundings = surroundings;
  }

  async initialise(settings: WorkerSettings): Promise<WorkerReady> {
    const { post, isRelayed, signals, hostModules, loadTransport, answerNow } = this.#surroundings;
    const module =
      settings.engineModule ?? (await this.#surroundings.loadEngine?.(settings.engine));
    if (module === undefined) throw new Error("The parent sent no engine along.");
    const engine = await loadEngine(settings.engine, module);
    const webApis: GuestApiName[] = [
      ...settings.webApis,
      ...(settings.fetch ? (["fetch"] as const) : []),
      ...(settings.files ? (["files"] as const) : []),
    ];
    const { prepared } = settings;
    const engineBuild = engineBuildOf(engine);
    this.#stackBytes = settings.stackBytes;
    if (prepared) this.#inventory = Inventory.empty().after(prepared.change);
    const taken =
      prepared && (await takeImages(engine, prepared.images, settings, this.#inventory));
    const started = taken ?? (await startEngine(engine, { ...settings, webApis }));
    const { facts, image: empty, start } = started;
    const door = new HostDoor(hostModules);
    const template: TemplateSettings = {
      engine,
      facts,
      maximumPages: pagesFor(facts.heapStart, settings.limits.memoryBytes),
      installTimeoutMs: settings.installTimeoutMs,
      door,
    };
    const sender = new BatchSender(writeFromWorker, post);
    const choice = new EngineChoice(
      engine,
      () => this.#surroundings.loadTrackingEngine().then(loadTracking),
      (error) => sender.send(slowResets(error)),
    );
    const cells = new Cells(choice, engine, facts, empty);
    const inventory = (): Inventory => this.#inventory;
    const sessions = new Sessions({ cells, facts, engineBuild, inventory });
    const { isolation, limits, clockAheadMs, stackBytes } = settings;
    const supply = new CellSupply({ cells, isolation, memoryBytes: limits.memoryBytes });
    const executor = new Executor({
      cells,
      supply,
      sessions,
      sender,
      door,
      signals,
      stackBytes,
      answerNow,
      openRequests: settings.fetch && (await fetching(settings.fetch, loadTransport)),
      files: settings.files,
      inventory,
      isRelayed: isRelayed === true,
    });
    const queue = new RunQueue({ cells, supply, sessions, executor, sender, limits, clockAheadMs });
    this.#running = { template, empty, cells, supply, queue, sessions };
    if (taken) await this.#useTemplate(taken.template, door, cells);
    return { engineBuild, start };
  }

  /** The registry's image without building it: only host modules are each worker's own. */
  async #useTemplate(template: Image, door: HostDoor, cells: Cells): Promise<void> {
    for (const dependency of this.#inventory.dependencies) {
      if (dependency.kind !== "host-module") continue;
      door.adopt(new Map([[dependency.alias, await door.load(dependency)]]));
    }
    cells.startWith(template);
  }

  /** One change after the other: each builds a template from what the one before left. */
  #installing: Promise<unknown> = Promise.resolve();

  install(change: RegistryChange): Promise<InstallResult> {
    const result = this.#installing.then(() => this.#install(change));
    this.#installing = result.catch(() => undefined);
    return result;
  }

  async #install(change: RegistryChange): Promise<InstallResult> {
    const { template, empty, cells, supply } = this.#started();
    const next = this.#inventory.after(change);
    try {
      const image = await buildTemplate(template, empty, next);
      await cells.useImage(image);
      this.#inventory = next;
      supply.renewShared();
      cells.clean();
      return { ok: true, revision: change.revision };
    } catch (error) {
      if (error instanceof InstallError) return { ok: false, failure: error.failure };
      const message = messageOf(error);
      return { ok: false, failure: { kind: "bootstrap", name: "sandbox", message } };
    }
  }

  statistics(): WorkerStatistics {
    const { memoryBytes, usedBytes } = this.#started().cells;
    return { memoryBytes, usedBytes };
  }

  trim(): void {
    this.#started().cells.dropFree();
  }

  get sessions(): Sessions {
    return this.#started().sessions;
  }

  async captureSession(sessionId: number, ifQuiet: boolean): Promise<SessionState | undefined> {
    const state = await this.sessions.capture(sessionId, ifQuiet);
    return state && transfer(state, [state.bytes.buffer as ArrayBuffer]);
  }

  captureImages(): PreparedImages {
    const { template, empty, cells } = this.#started();
    const { layout } = template.facts;
    return {
      engineBuild: engineBuildOf(template.engine),
      stackBytes: this.#stackBytes,
      layout,
      empty: stateOfImage(empty),
      template: stateOfImage(cells.image),
    };
  }

  shutdown(): void {
    this.#running?.queue.stop();
    this.#running?.cells.dispose();
    this.#running = undefined;
  }

  onBatch(batch: Payload): void {
    this.#running?.queue.onBatch(batch);
  }

  #started(): Running {
    if (!this.#running) throw new Error("The worker's engine was not started.");
    return this.#running;
  }
}

function slowResets(error: unknown): MessageFromWorker {
  const reason = messageOf(error);
  const message = `The engine for short runs and large images could not be loaded, so they cost more: ${reason}`;
  return { type: "warning", runId: 0, name: "slow-resets", message };
}

/** Loaded when it is needed: most guests may fetch nothing. */
async function fetching(
  policy: FetchPolicy,
  loadTransport: () => Promise<Transport>,
): Promise<() => GuestRequests> {
  const [{ requestsUnder }, transport] = await Promise.all([
    import("./fetch/requests.ts"),
    loadTransport(),
  ]);
  return requestsUnder(policy, transport);
}
