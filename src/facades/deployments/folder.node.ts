/** A folder of the host as the files of a bundle. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../../pool/option-checks.ts";
import type { BundleLimits } from "./bundle.ts";

const SOURCE = /\.(?:[cm]?[jt]s|json)$/;

/**
 * The JavaScript, TypeScript and JSON in a folder. Neither `node_modules` nor what a name with a dot
 * hides is read, and no symbolic link is followed out of it, or at all.
 */
export async function readFolder(
  folder: string,
  limits: BundleLimits,
): Promise<Record<string, string>> {
  const files: Record<string, string> = Object.create(null) as Record<string, string>;
  let count = 0;
  let bytes = 0;
  async function read(relative: string): Promise<void> {
    for (const entry of await readdir(join(folder, relative), { withFileTypes: true })) {
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      if (entry.isDirectory()) await read(path);
      if (!entry.isFile() || !SOURCE.test(entry.name)) continue;
      if (entry.name === "package-lock.json") continue;
      bytes += (await stat(join(folder, path))).size;
      if (++count > limits.maxFiles) throw tooMuch(`more than ${limits.maxFiles} files`);
      // Before it is read: a large file is not to be in memory at all.
      if (bytes > limits.maxBytes) throw tooMuch(`more than ${limits.maxBytes} bytes`);
      files[path] = await readFile(join(folder, path), "utf8");
    }
  }
  function tooMuch(what: string): Error {
    return invalid(`The folder ${folder} has ${what}.`);
  }
  try {
    await read("");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") {
      throw invalid(`The folder ${folder} cannot be read (${code}).`);
    }
    throw error;
  }
  return files;
}
