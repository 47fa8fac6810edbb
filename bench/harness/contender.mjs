// The child process a contender runs in. It opens the contender's module, then measures a round
// whenever the parent asks for one.
import { performance } from "node:perf_hooks";

/**
 * @typedef {object} Contender
 * @property {(count: number) => Promise<number> | number} round Does its thing `count` times and
 *   returns a figure for it: milliseconds for all of them, or whatever the row measures.
 * @property {() => Promise<unknown> | void} [close]
 */

const [, , moduleUrl = "", options = "{}"] = process.argv;

/** @param {unknown} error */
function reasonOf(error) {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0];
}

/** @returns {Promise<Contender | undefined>} */
async function open() {
  try {
    const module = await import(moduleUrl);
    return await module.open(JSON.parse(options));
  } catch (error) {
    process.send?.({ type: "skipped", reason: reasonOf(error) });
    return undefined;
  }
}

const contender = await open();
if (contender) {
  process.on("message", async (/** @type {{ type: string, count: number }} */ message) => {
    if (message.type === "close") {
      await contender.close?.();
      process.exit();
    }
    try {
      const began = performance.now();
      const figure = await contender.round(message.count);
      process.send?.({ type: "figure", figure, elapsedMs: performance.now() - began });
    } catch (error) {
      process.send?.({ type: "failed", reason: reasonOf(error) });
    }
  });
  // The parent is gone: nobody waits for figures any more.
  process.on("disconnect", () => process.exit());
  process.send?.({ type: "open" });
} else {
  process.disconnect();
}
