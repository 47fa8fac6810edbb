// A bare process that sends back what it gets over a WebSocket: what messages alone cost.
import { fork } from "node:child_process";
import { once } from "node:events";
import { WebSocketServer } from "ws";
import { callsInFlight, oneAfterTheOther } from "./workload.mjs";

/** What a call of add(1, 2) takes on its way, and about what its result takes on the way back. */
const CALL_BYTES = 48;

/** @param {{ inFlight: number }} options */
export async function open({ inFlight }) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const url = `ws://127.0.0.1:${address.port}`;
  const machine = fork(new URL("processes/echo-websocket.mjs", import.meta.url), [url]);
  const [socket] = /** @type {[import("ws").WebSocket]} */ (await once(server, "connection"));
  /** @type {((message: unknown) => void)[]} */
  const waiting = [];
  socket.on("message", (message) => waiting.shift()?.(message));
  const bytes = new Uint8Array(CALL_BYTES);
  const call = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.send(bytes);
    });
  await call();
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    async close() {
      machine.disconnect();
      server.close();
    },
  };
}
