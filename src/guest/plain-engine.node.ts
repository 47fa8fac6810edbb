/** Compiles the engine in Node, for workers that no parent can hand it to. */
import { readFile } from "node:fs/promises";
import type { EngineName } from "../protocol/control.ts";

export async function loadEngine(engine: EngineName): Promise<WebAssembly.Module> {
  const url =
    engine === "sync"
      ? new URL("../engine/quickjs-sync.wasm", import.meta.url)
      : new URL("../engine/quickjs-asyncify.wasm", import.meta.url);
  return WebAssembly.compile(await readFile(url));
}
