/** Workers as threads of Node. The other half is `guest/entry.node.ts`. */
import { MessageChannel, Worker } from "node:worker_threads";
import { SkepError } from "../errors.ts";
import { createSignals, shareSignals } from "../protocol/signals.ts";
import { postBatchCopy, readBatch } from "../protocol/batches.ts";
import type { Environment, WorkerHandle, WorkerSpec } from "./contract.ts";
import { controlOver } from "./control-port.ts";
import { opening } from "./worker-handle.ts";

/**
 * The thread's native stack. With Node's default of 4 MB, recursion ends in a host `RangeError`
 * before the engine's own limit is reached. Only what is used of it takes memory.
 */
const STACK_MB = 32;

/** What the worker posts once its code has loaded. */
const OPEN = "open";
/** The same when it has a connection of its own for its batches. */
const OPEN_DIRECT = "open-direct";

export const workerThreads: Environment = {
  name: "worker-threads",
  threaded: true,
  // Measured on Node 20 with the native stack above, after V8 has optimized the engine: every kind
  // of recursion and nesting ends inside the guest, with twice this much too (asyncify: not quite).
  // A frame of guest code takes about 190 bytes of it: 2,700 frames deep, and 340 with asyncify.
  stackBytes: { sync: 512 * 1024, asyncify: 64 * 1024 },
  open: openThread,
};

function openThread(spec: WorkerSpec): Promise<WorkerHandle> {
  const { port1, port2 } = new MessageChannel();
  const signals = createSignals(spec.slots);
  const worker = new Worker(new URL("../guest/entry.node.js", import.meta.url), {
    name: `skep worker ${spec.workerId}`,
    workerData: {
      control: port2,
      signals: shareSignals(signals),
      isRelayed: spec.isRelayed,
      direct: spec.direct,
    },
    transferList: [port2],
    resourceLimits: { stackSizeMb: STACK_MB },
    // Flags such as --input-type or --eval are about the parent's main script and break a worker.
    execArgv: [],
  });
  const control = controlOver(port1);
  // The pool says when the process must stay; a port with a listener would hold it for ever.
  port1.unref();

  const { handle, opened, open, end } = opening(
    {
      control,
      signals,
      post: (batch) => postBatchCopy(worker, batch),
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
      async stop() {
        port1.close();
        await worker.terminate();
      },
    },
    ({ reason, cause }) => {
      const message = `The worker thread could not start: ${reason}`;
      return new SkepError("unsupported-environment", message, { cause });
    },
  );
  let failure: unknown;
  worker.on("message", (message: unknown) => {
    const batch = readBatch(message);
    if (batch) handle.onBatch(batch, orderOf(message));
    else if ((message === OPEN || message === OPEN_DIRECT) && open()) {
      handle.isDirect = message === OPEN_DIRECT;
    } else end({ reason: "The worker sent something that is not a batch." });
  });
  worker.on("messageerror", (cause) => {
    end({ reason: "A message of the worker could not be read.", cause });
  });
  worker.on("error", (error) => {
    // "exit" follows and knows the exit code.
    failure = error;
  });
  worker.on("exit", (exitCode) => {
    const detail = failure instanceof Error ? `: ${failure.message}` : ".";
    end({ exitCode, reason: `Worker exited with code ${exitCode}${detail}`, cause: failure });
  });
  return opened;
}

/** Only of a worker that has a connection of its own. */
function orderOf(message: unknown): number {
  const { order } = message as { order?: unknown };
  return typeof order === "number" ? order : 0;
}
