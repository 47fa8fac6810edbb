/** The control interface over a pipe that carries messages of other kinds as well. */
import { wrap } from "comlink";
import type { WorkerControl } from "../protocol/control.ts";

export interface ControlMessages {
  /** Calls never settle once the pipe is closed. */
  control: WorkerControl;
  /** Takes a message of the worker's end. */
  readonly deliver: (message: unknown) => void;
}

/** The parent's end, which sends its messages with `send`. */
export function controlOverMessages(send: (message: unknown) => void): ControlMessages {
  const listeners = new Set<(event: MessageEvent<unknown>) => void>();
  const control = wrap<WorkerControl>({
    postMessage: (message: unknown) => send(message),
    addEventListener: (_type, listener) => {
      listeners.add(listener as (event: MessageEvent<unknown>) => void);
    },
    removeEventListener: (_type, listener) => {
      listeners.delete(listener as (event: MessageEvent<unknown>) => void);
    },
  });
  return {
    control,
    deliver(message) {
      // Of an event nothing but this is looked at.
      const event = { data: message } as MessageEvent<unknown>;
      for (const listener of listeners) listener(event);
    },
  };
}
