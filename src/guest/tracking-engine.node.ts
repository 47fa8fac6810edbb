/** Compiles the build of the engine that notes what it writes, in Node. */
import { readFile } from "node:fs/promises";

export async function loadTrackingEngine(): Promise<WebAssembly.Module> {
  const url = new URL("../engine/quickjs-sync-tracking.wasm", import.meta.url);
  return WebAssembly.compile(await readFile(url));
}
