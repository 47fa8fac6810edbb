/** WebSockets in Node, of the package `ws`. */
import type { WebSocket } from "ws";
import { SkepError } from "../../errors.ts";
import type { LenderSocket, SocketListener } from "./platform.ts";

/** As much as the server sends in one message, and room for what others send. */
const MAXIMUM_MESSAGE_BYTES = 16 * 2 ** 20;

export async function openSocket(url: string, listener: SocketListener): Promise<LenderSocket> {
  const Socket = await loadWebSocket();
  const socket = new Socket(url, { perMessageDeflate: false, maxPayload: MAXIMUM_MESSAGE_BYTES });
  let failure = "";
  socket.on("open", () => listener.onOpen());
  socket.on("message", (data, isBinary) => {
    if (isBinary) listener.onBinary(data as Buffer);
    else listener.onText((data as Buffer).toString());
  });
  socket.on("error", (error) => {
    // "close" follows.
    failure = error.message;
  });
  socket.on("close", (code, reason) => listener.onClose(code, reason.toString() || failure));
  return {
    sendText: (text) => socket.send(text, () => {}),
    sendBinary: (bytes, written) => socket.send(bytes, () => written()),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
  };
}

async function loadWebSocket(): Promise<typeof WebSocket> {
  try {
    return (await import("ws")).WebSocket;
  } catch (cause) {
    const message = "joinServer() needs the package ws, which could not be loaded: npm install ws.";
    throw new SkepError("unsupported-environment", message, { cause });
  }
}
