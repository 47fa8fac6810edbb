/**
 * Workers without a thread: the guest runs in the caller's own. The one environment that imports
 * guest code. A run that never polls the interrupt handler cannot be ended here.
 */
import type { WorkerSurroundings } from "../guest/serve.ts";
import type { Payload } from "../protocol/payload.ts";
import { createSignals } from "../protocol/signals.ts";
import type { Environment, WorkerHandle, WorkerSpec } from "./contract.ts";
import { controlOver, exposeControl } from "./control-port.ts";
import { endable } from "./worker-end.ts";

/** Node's ports hold the process open while they listen; a browser's know nothing of it. */
interface HoldingPort extends MessagePort {
  ref?(): void;
  unref?(): void;
}

/** What a build for one platform brings along for guests in its own thread. */
type Local = Pick<WorkerSurroundings, "hostModules" | "loadTrackingEngine" | "loadTransport">;

/** An environment for this platform. */
export function inThread(local: Local): Environment {
  return {
    name: "in-thread",
    threaded: false,
    // Measured on the main threads of Node 20 and Chromium 156, about 1 MB each: recursion of
    // functions ends inside the guest (500 frames deep); deeply nested source text costs the run its
    // sandbox. Asyncify on Node 20 does so from 20 frames on, once V8 has optimized it, whatever the
    // limit; elsewhere this much is safe.
    stackBytes: { sync: 96 * 1024, asyncify: 16 * 1024 },
    open: (spec) => open(spec, local),
  };
}

async function open(spec: WorkerSpec, local: Local): Promise<WorkerHandle> {
  // Loaded when it is needed: pages whose sandboxes run in workers never need it themselves.
  const { serveWorker } = await import("../guest/serve.ts");
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
    signals,
    ...local,
    answerNow: (runId, name, args) => handle.answerNow(runId, name, args),
  });
  const toGuest = pipe((batch) => {
    try {
      service.onBatch(batch);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
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
