// A server gives scripts to two workers over WebSocket; each worker runs them in sandboxes of a
// pool of its own. One of them is cut off while it has work, and the other one is given that.
//
//   node demo/node/worker-server.mjs
//
// Everything is in one process here. The workers only need the server's address and token.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createPool } from "skep";
import { WorkerServer } from "skep/worker-server";
import { WebSocket } from "ws";

const authToken = randomBytes(16).toString("hex");
const scripts = [
  "6 * 7",
  "'honey'.repeat(2)",
  "[3, 1, 2].sort()",
  "while (true) {}",
  "new Date(0)",
];

/** @type {Map<string, { index: number, dispatched: import("skep/worker-server").Dispatched }>} */
const running = new Map();
/** @type {string[]} */
const answers = [];
/** @type {() => void} */
let finish = () => {};
const finished = new Promise((resolve) => (finish = () => resolve(undefined)));

const server = new WorkerServer({ port: 0, host: "127.0.0.1", authToken });

server.onWorkerMessage("answer", (worker, message) => {
  const { requestId, text } = /** @type {{ requestId: string, text: string }} */ (message);
  const run = running.get(requestId);
  if (run === undefined) return;
  running.delete(requestId);
  run.dispatched.complete();
  answers[run.index] = `${worker.id.padEnd(8)} ${text}`;
  if (Object.keys(answers).length === scripts.length) finish();
});

server.onRequestLost((request, loss) => {
  console.log(`  ${request.workerId} lost a script (${loss}): it goes to another worker`);
  const run = running.get(request.requestId);
  if (run !== undefined && request.message !== undefined) give(run.index, request.message);
});

await server.start();
console.log(`\nA worker server on port ${server.port}, two workers, ${scripts.length} scripts\n`);
const leaveFirst = await join("worker-1", { isStuck: true });
const leaveSecond = await join("worker-2");

for (const [index, script] of scripts.entries()) give(index, { type: "run", script });
leaveFirst();
await finished;
for (const [index, script] of scripts.entries()) {
  console.log(`  ${script.padEnd(18)} ${answers[index]}`);
}
leaveSecond();
await server.stop();

/**
 * @param {number} index
 * @param {Readonly<Record<string, unknown>>} message
 */
function give(index, message) {
  const dispatched = server.dispatch({ message });
  if (dispatched === null) throw new Error("No worker has room.");
  running.set(dispatched.requestId, { index, dispatched });
}

/**
 * A worker: joins the server and runs what it is sent. Returns how it leaves.
 * @param {string} workerId
 * @param {{ isStuck?: boolean }} [options] a stuck worker takes work and never answers
 */
async function join(workerId, { isStuck = false } = {}) {
  const pool = await createPool({ workers: 1, limits: { timeoutMs: 200 } });
  const websocket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  websocket.on("close", () => void pool.close());
  await once(websocket, "open");
  const capabilities = { models: [], maxConcurrentRequests: 8 };
  const registration = {
    type: "worker_registration",
    workerId,
    workerName: workerId,
    capabilities,
  };
  websocket.send(JSON.stringify({ ...registration, authToken }));
  await once(websocket, "message");
  websocket.on("message", async (/** @type {Buffer} */ data) => {
    const { type, requestId, script } = JSON.parse(data.toString());
    if (type !== "run" || isStuck) return;
    const outcome = await pool.execute({ eval: script });
    const text = outcome.ok ? JSON.stringify(outcome.value) : outcome.error.message;
    websocket.send(JSON.stringify({ type: "answer", requestId, text }));
  });
  return () => websocket.close();
}
