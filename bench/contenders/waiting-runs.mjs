// Many runs at once that each wait for a host function, and the same promises without sandboxes.
import { createPool } from "../../dist/index.node.js";

const WAIT_MS = 50;
const wait = () => new Promise((resolve) => setTimeout(resolve, WAIT_MS));

/** @param {{ way: "skep" | "host", runs: number }} options */
export async function open({ way, runs }) {
  const pool =
    way === "skep"
      ? await createPool({ workers: 2, host: { wait }, functions: { work: "() => host.wait()" } })
      : undefined;
  const work = () => pool?.run("work") ?? wait();
  await work();
  return {
    // The figure is of all runs together.
    async round(/** @type {number} */ count) {
      const began = performance.now();
      for (let round = 0; round < count; round++) {
        await Promise.all(Array.from({ length: runs }, work));
      }
      return performance.now() - began;
    },
    close: () => pool?.close({ force: true }),
  };
}
