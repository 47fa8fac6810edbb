// Installs what skep is measured against, once per package-lock.json.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { run } from "../../scripts/run.mjs";

const bench = new URL("..", import.meta.url);
const LOCK = new URL("package-lock.json", bench);
/** Holds the hash of the lock file that `node_modules` was installed from. */
const STAMP = new URL("node_modules/.skep-bench", bench);

/** @returns {Promise<boolean>} whether the peers are there */
export async function installPeers() {
  const wanted = createHash("sha256")
    .update(await readFile(LOCK))
    .digest("hex");
  const installed = await readFile(STAMP, "utf8").catch(() => "");
  if (installed === wanted) return true;
  console.log("Installing the peers (bench/package-lock.json) …");
  const { code } = await run("npm", ["ci", "--prefix", fileURLToPath(bench)]);
  if (code !== 0) return false;
  await writeFile(STAMP, wanted);
  return true;
}
