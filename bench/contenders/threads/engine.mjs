import { parentPort, workerData } from "node:worker_threads";
import { open } from "../quickjs-emscripten.mjs";

const { round } = await open(workerData);
parentPort?.on("message", (count) => {
  round(count);
  parentPort?.postMessage("done");
});
