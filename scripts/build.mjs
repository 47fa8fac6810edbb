// Makes dist/: the engine's wasm files, then one JavaScript and one declaration file per source.
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyEngine } from "./copy-engine.mjs";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** tsc leaves the output of a deleted source behind; a package must not carry it. */
async function removeStaleOutput() {
  const outputs = await readdir(join(root, "dist"), { recursive: true });
  for (const output of outputs) {
    const source = output.replace(/(\.d\.ts|\.js)$/, ".ts");
    if (source === output) continue;
    const exists = await stat(join(root, "src", source)).catch(() => undefined);
    if (!exists) await rm(join(root, "dist", output));
  }
}

/** Builds, and says whether it worked. */
export async function build() {
  await copyEngine();
  const { code } = await run("tsc", ["-b", "tsconfig.build.json"]);
  if (code === 0) await removeStaleOutput();
  return code === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = (await build()) ? 0 : 1;
}
