/** The worker's code in a browser. The other half is `environments/web-worker.ts`. */
import { expose } from "comlink";
import { Signals } from "../protocol/signals.ts";
import { hostModules } from "./host-modules.web.ts";
import { serveWorker } from "./serve.ts";

/** The first message of the parent. */
interface Opening {
  control: MessagePort;
  signals: SharedArrayBuffer | undefined;
}

declare const self: DedicatedWorkerGlobalScope;

/** From here on moving a buffer beats copying it. */
const TRANSFER_BYTES = 64 * 1024;

function open({ control, signals }: Opening): void {
  const service = serveWorker({
    post(batch) {
      const owned = batch.byteLength === batch.buffer.byteLength ? batch : batch.slice();
      const moves = owned.byteLength > TRANSFER_BYTES;
      self.postMessage(owned, moves ? [owned.buffer as ArrayBuffer] : []);
    },
    signals: signals === undefined ? undefined : new Signals(signals),
    hostModules,
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
