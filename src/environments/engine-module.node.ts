/** Loads and compiles the engine in Node. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { messageOf, SkepError } from "../errors.ts";
import type { EngineName } from "../protocol/control.ts";

/** The compiled engine. Rejects with `unsupported-environment` and the reason. */
export async function loadEngine(engine: EngineName): Promise<WebAssembly.Module> {
  // Bundlers find the files by these literals.
  const url =
    engine === "sync"
      ? new URL("../engine/quickjs-sync.wasm", import.meta.url)
      : new URL("../engine/quickjs-asyncify.wasm", import.meta.url);
  try {
    return await WebAssembly.compile(await readFile(url));
  } catch (cause) {
    const reason = messageOf(cause);
    throw new SkepError(
      "unsupported-environment",
      `The engine file ${fileURLToPath(url)} could not be loaded: ${reason}. ` +
        "It belongs to the package's folder dist/engine: install the package again, or, where a " +
        "bundler moved the code, copy that folder along or leave skep out of the bundle.",
      { cause },
    );
  }
}
