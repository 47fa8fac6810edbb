/** The control interface over a message port: Comlink on both ends, on both platforms. */
import { type Endpoint, expose, wrap } from "comlink";
import type { WorkerControl } from "../protocol/control.ts";

/** What both a browser's and Node's MessagePort have. */
export interface ControlPort {
  close(): void;
}

/** The parent's end: calls that never settle once the port is closed. */
export function controlOver(port: ControlPort): WorkerControl {
  return wrap<WorkerControl>(asEndpoint(port));
}

/** The worker's end. */
export function exposeControl(control: WorkerControl, port: ControlPort): void {
  expose(control, asEndpoint(port));
}

// Node's MessagePort is an EventTarget with the same events; only its type says less.
function asEndpoint(port: ControlPort): Endpoint {
  return port as unknown as Endpoint;
}
