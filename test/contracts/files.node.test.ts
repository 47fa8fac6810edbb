import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "skep";
import { afterAll } from "vitest";
import { filesContract, MEMORY } from "./files.ts";

const made: string[] = [];
afterAll(() => Promise.all(made.map((directory) => rm(directory, { recursive: true }))));

const DIRECTORY = {
  name: "directory",
  async make() {
    const directory = await mkdtemp(join(tmpdir(), "skep-mount-"));
    made.push(directory);
    return { directory };
  },
};

for (const engine of ["sync", "asyncify"] as const) {
  const common = { createPool, engine, signals: true, node: true, recursionIsCaught: true };
  const backends = [MEMORY, DIRECTORY];
  filesContract({ ...common, environment: "worker-threads", threaded: true }, backends);
  filesContract({ ...common, environment: "in-thread", threaded: false }, backends);
}
