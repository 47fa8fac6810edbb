/** One lent worker on the machine that lends it: between its lane and the worker itself. */
import type { Environment, WorkerHandle } from "../../environments/contract.ts";
import type { EngineName, RegistryChange, WorkerSettings } from "../../protocol/control.ts";
import { NO_BUFFERS } from "../../protocol/payload.ts";
import type { ActivityReport } from "../../protocol/relay.ts";
import type { FrameFromLender, FrameToLender } from "../../protocol/remote-frames.ts";
import { sinceEntered } from "../../protocol/signals.ts";
import { encodeArray } from "../../protocol/values/inbound.ts";

/** What a machine lets its workers do for a server. */
export interface Permissions {
  hostModules: boolean;
  fetch: boolean;
}

export interface LaneOptions {
  environment: Environment;
  permissions: Permissions;
  /** Where its workers may connect by themselves. */
  directUrl: string;
  maxFrameBytes: number;
  readonly loadEngine: (engine: EngineName) => Promise<WebAssembly.Module>;
  readonly send: (frame: FrameFromLender) => void;
  /** The worker is gone, and its lane with it. */
  onEnded(): void;
}

type Opening = Extract<FrameToLender, { type: "open" }>;
type Request = Extract<FrameToLender, { type: "request" }>;

export class LentLane {
  /** The registry's revision that the worker has. */
  revision = 0;
  readonly #lane: number;
  readonly #options: LaneOptions;
  #handle: WorkerHandle | undefined;
  #isEnded = false;
  /** With how long the message took, which is time that a run has anyway. */
  #clockAheadMs = 0;

  constructor(lane: number, options: LaneOptions) {
    this.#lane = lane;
    this.#options = options;
  }

  /** Whether guest code is running in it. */
  get isRunning(): boolean {
    return (this.#handle?.signals?.activity()?.runId ?? 0) !== 0;
  }

  async open({ lane, slots, network, ticket, nowMs }: Opening): Promise<void> {
    this.#clockAheadMs = Date.now() - nowMs;
    const { environment, send, directUrl: url, maxFrameBytes } = this.#options;
    const direct = { url, ticket, lane, maxFrameBytes };
    try {
      const handle = await environment.open({
        workerId: lane,
        slots,
        network,
        isRelayed: true,
        direct,
      });
      this.#handle = handle;
      handle.onBatch = (batch, order = 0) => send({ type: "batch", lane, order, batch });
      handle.answerNow = () => ({ succeeded: false, payload: noAnswer() });
      handle.onEnd = ({ exitCode, reason }) => void this.#finish(reason, exitCode);
      if (this.#isEnded) await handle.terminate();
      else {
        const isDirect = handle.isDirect === true;
        send({ type: "opened", lane, hasSignals: handle.signals !== undefined, isDirect });
      }
    } catch (error) {
      await this.#finish(messageOf(error));
    }
  }

  receive(frame: FrameToLender): void {
    const handle = this.#handle;
    if (frame.type === "close") void this.close();
    else if (handle === undefined) throw new Error("The worker is not open yet.");
    else if (frame.type === "batch") handle.post(frame.batch);
    else if (frame.type === "cancel") handle.signals?.cancel(frame.slot, frame.runId);
    else if (frame.type === "answer") handle.signals?.answer(frame.callId, frame.reply);
    else if (frame.type === "look") this.#report(handle);
    else if (frame.type === "request") void this.#serve(handle, frame);
  }

  /** Ends the worker, whatever it is doing. */
  async close(): Promise<void> {
    await this.#finish("It was told to.");
  }

  #report(handle: WorkerHandle): void {
    const activity = reportOf(handle);
    if (activity !== undefined)
      this.#options.send({ type: "activity", lane: this.#lane, activity });
  }

  async #finish(reason: string, exitCode?: number): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const activity = this.#handle && reportOf(this.#handle);
    try {
      await this.#handle?.terminate();
    } catch {
      // Why it ends says more.
    }
    this.#options.send({ type: "ended", lane: this.#lane, exitCode, reason, activity });
    this.#options.onEnded();
  }

  async #serve(handle: WorkerHandle, { requestId, method, args }: Request): Promise<void> {
    const { send } = this.#options;
    const lane = this.#lane;
    try {
      this.#check(method, args);
      const given = method === "initialise" ? [await this.#settings(args[0])] : args;
      const ask = handle.control[method] as (...given: unknown[]) => Promise<unknown>;
      const value = await ask(...given);
      if (method === "install") this.revision = (args[0] as RegistryChange).revision;
      send({ type: "reply", lane, requestId, value: forTheServer(method, value) });
    } catch (error) {
      const name = error instanceof Error ? error.name : "Error";
      send({ type: "failure", lane, requestId, name, message: messageOf(error) });
    }
  }

  async #settings(given: unknown): Promise<WorkerSettings> {
    const settings = given as WorkerSettings;
    const { environment, loadEngine } = this.#options;
    const loadsEngine = environment.loadsEngine === true;
    const engineModule = loadsEngine ? undefined : await loadEngine(settings.engine);
    return { ...settings, engineModule, clockAheadMs: this.#clockAheadMs };
  }

  /** Refuses what this machine does not let its workers do. */
  #check(method: Request["method"], args: unknown[]): void {
    const { hostModules, fetch } = this.#options.permissions;
    if (method === "initialise") {
      const { fetch: policy, prepared } = args[0] as WorkerSettings;
      if (policy !== undefined && !fetch) throw refusal("make requests", "allowFetch");
      if (prepared !== undefined) checkModules(prepared.change, hostModules);
    }
    if (method === "install") checkModules(args[0] as RegistryChange, hostModules);
  }
}

function checkModules({ define }: RegistryChange, isAllowed: boolean): void {
  const asks = define.dependencies.some(({ kind }) => kind === "host-module");
  if (asks && !isAllowed) throw refusal("load modules of its own", "allowHostModules");
}

function refusal(what: string, option: string): Error {
  return new Error(`This machine does not ${what} for a server: joinServer() has no ${option}.`);
}

/** A worker's answers without what only another worker of its machine could use. */
function forTheServer(method: Request["method"], value: unknown): unknown {
  if (method !== "initialise") return value;
  const { engineBuild } = value as { engineBuild: string };
  return { engineBuild };
}

function reportOf({ signals }: WorkerHandle): ActivityReport | undefined {
  const activity = signals?.activity();
  if (activity === undefined) return undefined;
  const { runId, enteredAt, polls } = activity;
  return { runId, entry: enteredAt, ageMs: sinceEntered(enteredAt, Date.now()), polls };
}

/** To a synchronous host call of a worker that shares its thread with the connection. */
function noAnswer(): { bytes: Uint8Array; buffers: readonly ArrayBuffer[] } {
  const message =
    "A worker without a thread of its own cannot wait for the host: use the asynchronous call.";
  return { bytes: encodeArray(["Error", message], "error"), buffers: NO_BUFFERS };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
