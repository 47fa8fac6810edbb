/**
 * Workers without a thread: the guest runs in the caller's own. A run that never polls the
 * interrupt handler cannot be ended here.
 */
import { loadPart } from "../load-part.ts";
import type { Environment } from "./contract.ts";
import type { LocalSurroundings } from "./in-thread-worker.ts";

/** An environment for guests that find around them what `loadSurroundings` resolves with. */
export function inThread(loadSurroundings: () => Promise<LocalSurroundings>): Environment {
  return {
    name: "in-thread",
    threaded: false,
    // Measured on the main threads of Node 20 and Chromium 156, about 1 MB each: recursion of
    // functions ends inside the guest (500 frames deep); deeply nested source text costs the run its
    // sandbox. Asyncify on Node 20 does so from 20 frames on, once V8 has optimized it, whatever the
    // limit; elsewhere this much is safe.
    stackBytes: { sync: 96 * 1024, asyncify: 16 * 1024 },
    async open(spec) {
      // Pages whose sandboxes run in workers never need the guest's code themselves.
      const [{ openInThread }, local] = await loadPart("sandboxes without a thread", () =>
        Promise.all([import("./in-thread-worker.ts"), loadSurroundings()]),
      );
      return openInThread(spec, local);
    },
  };
}
