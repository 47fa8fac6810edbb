/** Which version of a package is installed. */
import { stat, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/**
 * The version of the package that an import in this folder would find; undefined where it would find
 * none. Rejects when what it would find is broken.
 */
export async function installedVersion(name: string, from: string): Promise<string | undefined> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (await isFolder(found)) return versionIn(found);
    if (dirname(folder) === folder) return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** What a manifest says, which need not be there. */
async function versionIn(folder: string): Promise<string> {
  const path = join(folder, "package.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return UNKNOWN;
  }
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === "string" ? version : UNKNOWN;
  } catch (error) {
    throw new Error(`${path} is not JSON. Install the package again.`, { cause: error });
  }
}

const UNKNOWN = "0.0.0";
