// Sends back what it gets over a WebSocket.
import process from "node:process";
import { WebSocket } from "ws";

const socket = new WebSocket(process.argv[2] ?? "", { perMessageDeflate: false });
socket.on("message", (data) => socket.send(data));
process.on("disconnect", () => process.exit());
