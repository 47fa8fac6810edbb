import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "skep";
import { afterAll } from "vitest";
import { filesContract, filesOnBackends } from "./files.ts";
import { MEMORY } from "./file-backends.ts";

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

const common = { createPool, signals: true, node: true, recursionIsCaught: true };
const threads = { ...common, environment: "worker-threads", threaded: true };
const inThread = { ...common, environment: "in-thread", threaded: false };
filesContract({ ...threads, engine: "sync" }, [MEMORY, DIRECTORY]);
filesContract({ ...inThread, engine: "sync" }, [MEMORY, DIRECTORY]);
filesOnBackends({ ...threads, engine: "asyncify" }, [MEMORY]);
filesOnBackends({ ...inThread, engine: "asyncify" }, [MEMORY]);
