import type { WorkerControl } from "../protocol/control.ts";
import type { Signals } from "../protocol/signals.ts";
import type { HostModules } from "./host-modules.ts";

/** What the surrounding thread lends to the worker's code. */
export interface WorkerSurroundings {
  /** Sends a batch of the data wire to the parent. The bytes may be transferred. */
  post(batch: Uint8Array): void;
  signals: Signals | undefined;
  hostModules: HostModules;
}

/** The worker's side of the pipe. */
export interface WorkerService {
  /** To be exposed over Comlink. */
  control: WorkerControl;
  /** Takes a batch of the data wire from the parent. */
  onBatch(batch: Uint8Array): void;
}

export declare function serveWorker(surroundings: WorkerSurroundings): WorkerService;
