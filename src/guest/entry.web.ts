/** The worker's code in a browser. The other half is `environments/web-worker.ts`. */
import { expose } from "comlink";
import { postBatch, readBatch } from "../protocol/batches.ts";
import { receiveSignals, type SharedSignals } from "../protocol/signals.ts";
import { loadTransport } from "./fetch/load-transport.web.ts";
import { hostModules } from "./host-modules.web.ts";
import { loadTrackingEngine } from "./tracking-engine.web.ts";
import { serveWorker } from "./serve.ts";

/** The first message of the parent. */
interface Opening {
  control: MessagePort;
  signals: SharedSignals | undefined;
  isRelayed?: boolean | undefined;
}

declare const self: DedicatedWorkerGlobalScope;

function open({ control, signals, isRelayed }: Opening): void {
  const service = serveWorker({
    post: (batch) => postBatch(self, batch),
    isRelayed,
    signals: receiveSignals(signals),
    hostModules,
    loadTrackingEngine,
    loadTransport,
  });
  expose(service.control, control);
  self.addEventListener("message", (event: MessageEvent<unknown>) => {
    const batch = readBatch(event.data);
    if (batch === undefined) throw new Error("The parent sent something that is not a batch.");
    service.onBatch(batch);
  });
  self.postMessage("open");
}

self.addEventListener("message", (event: MessageEvent<Opening>) => open(event.data), {
  once: true,
});
