/** The worker's code in Node. The other half is `environments/worker-threads.ts`. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Endpoint, expose } from "comlink";
import { postBatch } from "../protocol/batches.ts";
import { Signals } from "../protocol/signals.ts";
import { hostModules } from "./host-modules.node.ts";
import { serveWorker } from "./serve.ts";

interface WorkerData {
  control: MessagePort;
  signals: SharedArrayBuffer | undefined;
}

if (parentPort === null) throw new Error("This module is the code of a worker thread.");
const port = parentPort;
const { control, signals } = workerData as WorkerData;

const service = serveWorker({
  post: (batch) => postBatch(port, batch),
  signals: signals === undefined ? undefined : new Signals(signals),
  hostModules,
});

// Node's MessagePort is an EventTarget with the same events; only its type says less.
expose(service.control, control as unknown as Endpoint);
port.on("message", (batch: Uint8Array) => service.onBatch(batch));
port.postMessage("open");
