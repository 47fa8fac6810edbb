/**
 * The worker's code in Node. The other half is `environments/worker-threads.ts`, or the relay in
 * `entry.child.node.ts` where the worker has a process of its own.
 */
import { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Endpoint, expose } from "comlink";
import { receiveBatches, writeBatch } from "../protocol/batch-stream.node.ts";
import { postBatch, readBatch } from "../protocol/batches.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import type { Payload } from "../protocol/payload.ts";
import { receiveSignals, type SharedSignals } from "../protocol/signals.ts";
import { writeFromWorker } from "../protocol/wire.ts";
import { type DirectAddress, openDirectLine } from "./direct-line.node.ts";
import { loadTransport } from "./fetch/load-transport.node.ts";
import { loadEngine } from "./plain-engine.node.ts";
import { hostModules } from "./host-modules.node.ts";
import { loadTrackingEngine } from "./tracking-engine.node.ts";
import { serveWorker } from "./serve.ts";

/** Streams to the parent beside the relay's channel. */
interface Relayed {
  /** Where batches come from. */
  fromParentFd: number;
  /** Where batches go. */
  toParentFd: number;
}

interface WorkerData {
  control: MessagePort;
  signals: SharedSignals | undefined;
  /** In a process of its own. */
  relayed?: Relayed | undefined;
  /** Where to connect by itself, when that is possible. */
  direct?: DirectAddress | undefined;
  /** On a machine of its own, whose parent relays what it is told. */
  isRelayed?: boolean | undefined;
}

if (parentPort === null) throw new Error("This module is the code of a worker thread.");
const port = parentPort;
const { control, signals, relayed, isRelayed, direct } = workerData as WorkerData;

const line = direct && (await openDirectLine(direct));
const post = relayed ? overStreams(relayed) : overPort();
const service = serveWorker({
  post,
  isRelayed: relayed !== undefined || isRelayed,
  loadEngine,
  signals: receiveSignals(signals),
  hostModules,
  loadTrackingEngine,
  loadTransport,
});

// Node's MessagePort is an EventTarget with the same events; only its type says less.
expose(service.control, control as unknown as Endpoint);
port.postMessage(line === undefined ? "open" : "open-direct");

function overPort(): (batch: Payload) => void {
  port.on("message", (message: unknown) => {
    const batch = readBatch(message);
    if (batch === undefined) throw new Error("The parent sent something that is not a batch.");
    service.onBatch(batch);
  });
  if (line === undefined) return (batch) => postBatch(port, batch);
  line.onBatch = (batch) => service.onBatch(batch);
  return (batch) => line.post(batch, relay);
}

/** Over the machine's own connection, what cannot leave over the worker's at once. */
function relay({ bytes, buffers }: Payload, order: number): void {
  // Copied: what is sent twice must stay here.
  port.postMessage({ bytes: bytes.slice(), buffers, order });
}

function overStreams({ fromParentFd, toParentFd }: Relayed): (batch: Payload) => void {
  receiveBatches(new Socket({ fd: fromParentFd, readable: true, writable: false }), {
    onBatch: (batch) => service.onBatch(batch),
    onBroken: (error) => {
      throw error;
    },
  });
  return (batch) => writeBatch(toParentFd, batch);
}

/**
 * A host module may fail when nobody waits for it any more: that must not cost the runs of others
 * their worker. What fails in code of our own is still the worker's end.
 */
process.on("uncaughtException", (error) => survive("uncaught-exception", error));
process.on("unhandledRejection", (reason) => survive("unhandled-rejection", reason));

const ownCode = new URL("..", import.meta.url).href;

function survive(name: string, error: unknown): void {
  const isError = error instanceof Error;
  // Further down our code is in every stack: it is what calls host modules.
  const innermost = isError ? /^ +at .*$/m.exec(error.stack ?? "")?.[0] : undefined;
  if (innermost?.includes(ownCode) === true) throw error;
  const message = isError ? `${error.name}: ${error.message}` : String(error);
  const writer = new ByteWriter();
  writeFromWorker(writer, { type: "warning", runId: 0, name, message });
  post(writer.takePayload());
}
