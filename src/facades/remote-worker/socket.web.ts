/** WebSockets in a browser. */
import type { LenderSocket, SocketListener } from "./platform.ts";

/** How often it is looked whether what was sent has left. */
const LOOK_MS = 5;
/** Less than this may wait in the socket and count as gone. */
const PASSING_BYTES = 256 * 1024;

export async function openSocket(url: string, listener: SocketListener): Promise<LenderSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const waiting: (() => void)[] = [];
  let timer: number | undefined;

  function look(): void {
    timer = undefined;
    if (socket.bufferedAmount >= PASSING_BYTES && socket.readyState === WebSocket.OPEN) {
      timer = setTimeout(look, LOOK_MS);
      return;
    }
    for (const written of waiting.splice(0)) written();
  }

  socket.addEventListener("open", () => listener.onOpen());
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (typeof data === "string") listener.onText(data);
    else if (data instanceof ArrayBuffer) listener.onBinary(new Uint8Array(data));
  });
  socket.addEventListener("close", ({ code, reason }) => {
    clearTimeout(timer);
    listener.onClose(code, reason);
  });

  return {
    sendText: (text) => socket.send(text),
    sendBinary(bytes, written) {
      socket.send(bytes);
      waiting.push(written);
      if (waiting.length > 1) return;
      if (socket.bufferedAmount < PASSING_BYTES) queueMicrotask(look);
      else timer ??= setTimeout(look, LOOK_MS);
    },
    close: (code, reason) => socket.close(code, reason),
    // A page cannot do more; nothing is read from it any more.
    cut: () => socket.close(),
  };
}
