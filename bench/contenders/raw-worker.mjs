// Bare threads that send back what they get: what messages alone cost.
import { Worker } from "node:worker_threads";

/**
 * @param {{ workers?: number, inFlight?: number, batched?: boolean }} options `batched`: all that a
 *   worker has in flight travels in one message each way.
 */
export async function open({ workers = 2, inFlight = 64, batched = false }) {
  const threads = Array.from(
    { length: Math.min(workers, inFlight) },
    () => new Worker(new URL("threads/echo.mjs", import.meta.url)),
  );
  const perThread = Math.ceil(inFlight / threads.length);
  const messages = batched ? 1 : perThread;
  const callsPerMessage = batched ? perThread : 1;
  return {
    async round(/** @type {number} */ count) {
      const each = Math.ceil(count / threads.length);
      const began = performance.now();
      await Promise.all(threads.map((thread) => echo(thread, each, messages, callsPerMessage)));
      return performance.now() - began;
    },
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

/**
 * @param {Worker} thread
 * @param {number} calls
 * @param {number} messages In flight at once.
 * @param {number} callsPerMessage
 */
function echo(thread, calls, messages, callsPerMessage) {
  return new Promise((resolve) => {
    let toSend = Math.ceil(calls / callsPerMessage);
    let toCome = toSend;
    const send = () => {
      if (toSend-- > 0) thread.postMessage(request(callsPerMessage));
    };
    thread.removeAllListeners("message");
    thread.on("message", () => {
      if (--toCome === 0) resolve(undefined);
      else send();
    });
    for (let index = 0; index < messages; index++) send();
  });
}

/** As small as a call can be: an id and two numbers for each. */
function request(/** @type {number} */ calls) {
  return calls === 1 ? { id: 1, args: [1, 2] } : new Uint8Array(20 * calls);
}
