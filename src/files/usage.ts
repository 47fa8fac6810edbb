/** What is in a backend that keeps no account of it: counted file by file. */
import { type FileBackend, joined, type Usage } from "./volume.ts";

export async function countUsage(backend: Pick<FileBackend, "list" | "stat">): Promise<Usage> {
  const usage: Usage = { bytes: 0, files: 0 };
  const waiting = [""];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const { name, type } of await backend.list(directory)) {
      const path = joined(directory, name);
      usage.files++;
      if (type === "directory") waiting.push(path);
      else usage.bytes += (await backend.stat(path))?.size ?? 0;
    }
  }
  return usage;
}
