// Puts the engine's wasm files where the code looks for them, next to the modules:
//   new URL("../engine/quickjs-sync.wasm", import.meta.url)
// Bundlers understand that literal; a path into another package they do not.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { trackWrites } from "./track-writes.mjs";

// src/ too, so that a test that imports a source file finds them.
const targets = ["src/engine/", "dist/engine/"];

export async function copyEngine() {
  const sync = await original("sync");
  await put("quickjs-sync.wasm", sync);
  await put("quickjs-sync-tracking.wasm", trackWrites(sync));
  await put("quickjs-asyncify.wasm", await original("asyncify"));
}

/** @param {"sync" | "asyncify"} kind */
function original(kind) {
  return readFile(new URL(import.meta.resolve(`@jitl/quickjs-wasmfile-release-${kind}/wasm`)));
}

/**
 * @param {string} name
 * @param {Buffer} bytes
 */
async function put(name, bytes) {
  for (const target of targets) {
    const folder = new URL(`../${target}`, import.meta.url);
    const file = new URL(name, folder);
    const present = await readFile(file).catch(() => undefined);
    // An unchanged file keeps its time, so that nothing downstream rebuilds for it.
    if (present?.equals(bytes)) continue;
    await mkdir(folder, { recursive: true });
    await writeFile(file, bytes);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await copyEngine();
