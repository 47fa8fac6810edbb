// Makes dist/: the engine's wasm files, then one JavaScript and one declaration file per source;
// the entry modules of Node and of workers are bundles.
import { copyFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleEntries } from "./bundle-entries.mjs";
import { copyEngine } from "./copy-engine.mjs";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Declarations that tsc does not make: they go into dist/ as they are. */
const handwritten = [join("vite", "client.d.ts")];

/** tsc leaves the output of a deleted source behind; a package must not carry it. */
async function removeStaleOutput() {
  const outputs = await readdir(join(root, "dist"), { recursive: true });
  for (const output of outputs) {
    const source = output.replace(/(\.d\.ts|\.js)$/, ".ts");
    if (source === output) continue;
    const exists =
      handwritten.includes(output) ||
      (await stat(join(root, "src", source)).catch(() => undefined));
    if (!exists) await rm(join(root, "dist", output));
  }
}

/** Builds, and says whether it worked. */
export async function build() {
  await copyEngine();
  const { code } = await run("tsc", ["-b", "tsconfig.build.json"]);
  for (const file of handwritten) await copyFile(join(root, "src", file), join(root, "dist", file));
  if (code !== 0) return false;
  await removeStaleOutput();
  await bundleEntries();
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = (await build()) ? 0 : 1;
}
