/** Workers as Web Workers. The other half is `guest/entry.web.ts`. */
import { messageOf, SkepError } from "../errors.ts";
import { loadPart } from "../load-part.ts";
import type { WorkerControl } from "../protocol/control.ts";
import { createSignals, shareSignals } from "../protocol/signals.ts";
import { postBatchCopy, readBatch } from "../protocol/batches.ts";
import type { Environment, WorkerHandle, WorkerSpec } from "./contract.ts";
import { opening } from "./worker-handle.ts";

/** What the worker posts once its code has loaded. */
const OPEN = "open";

const ADVICE =
  "Serve the folder dist of the package from the page's own origin, with a JavaScript MIME type, " +
  "and allow it in worker-src where the page has a Content Security Policy.";

export const webWorker: Environment = {
  name: "web-worker",
  threaded: true,
  // Nothing can ask for a larger native stack here. Measured in a worker of Chromium 156: recursion
  // of functions ends inside the guest (500 frames deep, 250 with asyncify). Source text, JSON or
  // arrays nested a few hundred deep do not, and cost the run its sandbox; 20 KiB would be needed
  // for that, and would leave 100 frames.
  stackBytes: { sync: 96 * 1024, asyncify: 48 * 1024 },
  open: openWorker,
};

async function openWorker(spec: WorkerSpec): Promise<WorkerHandle> {
  const worker = createWorker(spec);
  // Meanwhile: it is no smaller than what starts workers.
  const loading = loadPart("controlling workers", () => import("./control-port.ts"));
  let control: WorkerControl;
  const { port1, port2 } = new MessageChannel();
  const signals = createSignals(spec.slots);
  const { handle, opened, open, end } = opening(
    {
      get control() {
        return control;
      },
      signals,
      post: (batch) => postBatchCopy(worker, batch),
      // A page outlives its scripts: there is nothing to hold open.
      keepAlive: () => {},
      stop() {
        port1.close();
        worker.terminate();
      },
    },
    ({ reason, cause }) => failure(reason, cause),
  );
  worker.addEventListener("message", (event: MessageEvent<unknown>) => {
    const message = event.data;
    const batch = readBatch(message);
    if (batch) handle.onBatch(batch);
    else if (message !== OPEN || !open()) {
      end({ reason: "The worker sent something that is not a batch." });
    }
  });
  worker.addEventListener("messageerror", () => {
    end({ reason: "A message of the worker could not be read." });
  });
  worker.addEventListener("error", (event) => {
    // Handled here: it must not reach the page's own error handler as well.
    event.preventDefault();
    // A script that cannot be loaded reports an event without a message.
    const reason = event.message || "Its script could not be loaded or is no JavaScript.";
    end({ reason, cause: event.error });
  });
  const { isRelayed } = spec;
  worker.postMessage({ control: port2, signals: shareSignals(signals), isRelayed }, [port2]);
  try {
    const [{ controlOver }] = await Promise.all([loading, opened]);
    control = controlOver(port1);
    return handle;
  } catch (error) {
    await handle.terminate();
    throw error;
  }
}

function createWorker(spec: WorkerSpec): Worker {
  if (typeof Worker === "undefined") throw failure("This platform has no Web Workers.");
  try {
    // Bundlers find the worker's code by this literal. They want the options literal as well.
    return new Worker(new URL("../guest/entry.web.js", import.meta.url), {
      type: "module",
      name: `skep worker ${spec.workerId}`,
    });
  } catch (cause) {
    throw failure(messageOf(cause), cause);
  }
}

function failure(reason: string, cause?: unknown): SkepError {
  const message = `The Web Worker could not start: ${reason} ${ADVICE}`;
  return new SkepError("unsupported-environment", message, { cause });
}
