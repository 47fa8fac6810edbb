/** Sending: bounded by what a peer has not read yet. */
import type { WebSocket } from "ws";
import type { Clock } from "../../pool/clock.ts";
import type { Closing } from "./messages.ts";

/** The state of a WebSocket in which it sends. */
export const OPEN = 1;

/** How long a peer may take to answer a close frame. */
const CLOSE_GRACE_MS = 2_000;

/**
 * `sent`; `closed`, because the connection is not open; `too-big`, because it alone is more than
 * may wait; `too-slow`, because with what the peer has not read yet it would be.
 */
export type Delivery = "sent" | "closed" | "too-big" | "too-slow";

function ignored(): void {}

/** Sends a frame unless more than `maxBufferedBytes` would wait for the peer to read them. */
export function deliver(
  websocket: WebSocket,
  frame: string | Uint8Array,
  maxBufferedBytes: number,
  written: () => void = ignored,
): Delivery {
  if (websocket.readyState !== OPEN) return "closed";
  const bytes = typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
  if (bytes > maxBufferedBytes) return "too-big";
  if (websocket.bufferedAmount + bytes > maxBufferedBytes) return "too-slow";
  // What goes wrong later is reported by the socket's own error and close events.
  websocket.send(frame, () => written());
  return "sent";
}

/** Closes with a code and a reason; a peer that does not answer is cut off. */
export function closeSocket(websocket: WebSocket, { code, reason }: Closing, clock: Clock): void {
  if (websocket.readyState === websocket.CLOSED) return;
  const cancel = clock.schedule(CLOSE_GRACE_MS, () => websocket.terminate(), { keepAlive: false });
  websocket.once("close", cancel);
  websocket.close(code, reason);
}
