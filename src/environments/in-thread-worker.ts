/** A worker in the caller's own thread: the one place where an environment runs guest code itself. */
import { messageOf } from "../errors.ts";
import { serveWorker, type WorkerSurroundings } from "../guest/serve.ts";
import type { Payload } from "../protocol/payload.ts";
import { createSignals } from "../protocol/signals.ts";
import type { WorkerHandle, WorkerSpec } from "./contract.ts";
import { controlOver, exposeControl } from "./control-port.ts";
import { endable } from "./worker-handle.ts";

/** Node's ports hold the process open while they listen; a browser's know nothing of it. */
interface HoldingPort extends MessagePort {
  ref?(): void;
  unref?(): void;
}

/** What a build for one platform brings along for guests in its own thread. */
export type LocalSurroundings = Pick<
  WorkerSurroundings,
  "hostModules" | "loadTrackingEngine" | "loadTransport"
>;

/** Opens a worker in this thread. */
export function openInThread(spec: WorkerSpec, local: LocalSurroundings): WorkerHandle {
  const signals = createSignals(spec.slots);
  const ports: HoldingPort[] = [];

  /** Delivers in a task of its own, so that neither side ever runs inside the other's call. */
  function pipe(deliver: (batch: Payload) => void): (batch: Payload) => void {
    const waiting: Payload[] = [];
    const { port1, port2 } = new MessageChannel();
    port2.addEventListener("message", () => {
      for (const batch of waiting.splice(0)) deliver(batch);
    });
    port2.start();
    ports.push(port1, port2);
    return (batch) => {
      waiting.push(batch);
      // The bytes need no port, only the task does.
      if (waiting.length === 1) port1.postMessage(0);
    };
  }

  const toParent = pipe((batch) => handle.onBatch(batch));
  const service = serveWorker({
    post: toParent,
    isRelayed: spec.isRelayed,
    signals,
    ...local,
    answerNow: (runId, name, args) => handle.answerNow(runId, name, args),
  });
  const toGuest = pipe((batch) => {
    try {
      service.onBatch(batch);
    } catch (cause) {
      const reason = messageOf(cause);
      end({ reason: `The worker's code failed: ${reason}`, cause });
    }
  });
  const controlChannel = new MessageChannel();
  exposeControl(service.control, controlChannel.port2);
  const control = controlOver(controlChannel.port1);
  ports.push(controlChannel.port1, controlChannel.port2);
  for (const port of ports) port.unref?.();

  const { handle, end } = endable({
    control,
    signals,
    post: toGuest,
    keepAlive(alive) {
      for (const port of ports) {
        if (alive) port.ref?.();
        else port.unref?.();
      }
    },
    async stop() {
      for (const port of ports) port.close();
      // There is no thread whose end would free the sandboxes.
      await service.control.shutdown().catch(() => {});
    },
  });
  return handle;
}
