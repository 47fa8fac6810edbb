// Answers every buffer with its size.
import { parentPort } from "node:worker_threads";

parentPort?.on("message", (/** @type {ArrayBuffer} */ { byteLength }) => {
  parentPort?.postMessage(byteLength);
});
