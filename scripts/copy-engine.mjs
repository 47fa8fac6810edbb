// Puts the engine's wasm files where the code looks for them, next to the modules:
//   new URL("../engine/quickjs-sync.wasm", import.meta.url)
// Bundlers understand that literal; a path into another package they do not.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const kinds = ["sync", "asyncify"];
// src/ too, so that a test that imports a source file finds them.
const targets = ["src/engine/", "dist/engine/"];

export async function copyEngine() {
  for (const kind of kinds) {
    const source = new URL(import.meta.resolve(`@jitl/quickjs-wasmfile-release-${kind}/wasm`));
    const bytes = await readFile(source);
    for (const target of targets) {
      const folder = new URL(`../${target}`, import.meta.url);
      const file = new URL(`quickjs-${kind}.wasm`, folder);
      const present = await readFile(file).catch(() => undefined);
      // An unchanged file keeps its time, so that nothing downstream rebuilds for it.
      if (present?.equals(bytes)) continue;
      await mkdir(folder, { recursive: true });
      await copyFile(source, file);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await copyEngine();
