/** The worker's code in a browser. The other half is `environments/web-worker.ts`. */
import { expose } from "comlink";
import { postBatch } from "../protocol/batches.ts";
import { receiveSignals, type SharedSignals } from "../protocol/signals.ts";
import { loadTransport } from "./fetch/load-transport.web.ts";
import { hostModules } from "./host-modules.web.ts";
import { serveWorker } from "./serve.ts";

/** The first message of the parent. */
interface Opening {
  control: MessagePort;
  signals: SharedSignals | undefined;
}

declare const self: DedicatedWorkerGlobalScope;

function open({ control, signals }: Opening): void {
  const service = serveWorker({
    post: (batch) => postBatch(self, batch),
    signals: receiveSignals(signals),
    hostModules,
    loadTransport,
  });
  expose(service.control, control);
  self.addEventListener("message", (event: MessageEvent<Uint8Array>) => {
    service.onBatch(event.data);
  });
  self.postMessage("open");
}

self.addEventListener("message", (event: MessageEvent<Opening>) => open(event.data), {
  once: true,
});
