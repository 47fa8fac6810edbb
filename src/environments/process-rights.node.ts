/** What a worker's process may do on its machine: flags of Node, chosen from the user's options. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { SkepError } from "../errors.ts";
import type { WorkerSpec } from "./contract.ts";

/** Options of `childProcess()`. Rights are for host modules: guests have none of them either way. */
export interface ChildProcessOptions {
  /**
   * Megabytes of JavaScript heap in each process, beyond which it ends. Sandboxes are not in it:
   * their memory is bounded by `limits.memoryBytes`. Default 256.
   */
  heapMb?: number | undefined;
  /**
   * Files and folders that host modules may read, relative to the current folder, besides skep's own
   * files and the `node_modules` of the project and of skep. `["*"]` is all. Default none.
   */
  read?: readonly string[] | undefined;
  /** Files and folders that host modules may write. Default none. */
  write?: readonly string[] | undefined;
  /**
   * Whether host modules may open connections. Default: where the pool has a policy for `fetch`. Only
   * Node 25 and later can refuse it.
   */
  network?: boolean | undefined;
  /** Whether host modules may load native addons. Default false. */
  addons?: boolean | undefined;
}

export interface ProcessRights {
  heapMb: number;
  read: readonly string[];
  write: readonly string[];
  network: boolean | undefined;
  addons: boolean;
}

const DEFAULT_HEAP_MB = 256;
/** Below this the workers' own code has no room. */
const MINIMUM_HEAP_MB = 32;

/** Throws `invalid-argument` when the options are wrong. */
export function resolveRights(options: ChildProcessOptions): ProcessRights {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid("options must be an object.");
  }
  const known = ["heapMb", "read", "write", "network", "addons"];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalid(`there is no option "${unknown}". The options are ${known.join(", ")}.`);
  }
  const { heapMb = DEFAULT_HEAP_MB, read = [], write = [], network, addons = false } = options;
  if (!Number.isSafeInteger(heapMb) || heapMb < MINIMUM_HEAP_MB) {
    throw invalid(`heapMb must be a whole number of at least ${MINIMUM_HEAP_MB}, not ${heapMb}.`);
  }
  for (const [name, paths] of Object.entries({ read, write })) {
    if (Array.isArray(paths) && paths.every((path) => typeof path === "string" && path !== ""))
      continue;
    throw invalid(`${name} must be an array of paths.`);
  }
  if (network !== undefined && typeof network !== "boolean") {
    throw invalid("network must be true or false.");
  }
  if (typeof addons !== "boolean") throw invalid("addons must be true or false.");
  return { heapMb, read: [...read], write: [...write], network, addons };
}

/** The arguments of Node for a process with these rights. */
export function processArguments(rights: ProcessRights, { network }: WorkerSpec): string[] {
  const permission = ["--permission", "--experimental-permission"].find(isKnown);
  const rightsFlags = [
    // For the one thread that runs the guests, which may not start any itself.
    "--allow-worker",
    ...outermost([...readablePaths(), ...rights.read]).map((path) => `--allow-fs-read=${path}`),
    ...outermost(rights.write).map((path) => `--allow-fs-write=${path}`),
    ...(rights.addons ? ["--allow-addons"] : []),
    ...((rights.network ?? network) && isKnown("--allow-net") ? ["--allow-net"] : []),
  ];
  return [
    `--max-old-space-size=${rights.heapMb}`,
    // That the rights are experimental, or that there is a thread, is nothing a user can mend.
    "--no-warnings",
    ...(permission === undefined ? [] : [permission, ...rightsFlags]),
  ];
}

/** Whether this Node, which the process runs as well, has a flag. */
function isKnown(flag: string): boolean {
  return process.allowedNodeEnvironmentFlags.has(flag);
}

/** Skep's own files, and the packages beside it and in the project, under all their names. */
function readablePaths(): string[] {
  const own = fileURLToPath(new URL("..", import.meta.url));
  const paths = [own, join(own, "..", "package.json")];
  for (const start of [own, realpathSync(own), process.cwd()]) {
    for (let folder = resolve(start); ; folder = dirname(folder)) {
      const packages = join(folder, "node_modules");
      if (existsSync(packages)) paths.push(packages);
      if (dirname(folder) === folder) break;
    }
  }
  return [...paths, ...paths.map((path) => realpathSync(path))];
}

/**
 * Absolute paths, without those inside others: Node 20 aborts when it is given a folder with and
 * without a slash at its end.
 */
function outermost(paths: readonly string[]): string[] {
  if (paths.includes("*")) return ["*"];
  const absolute = [...new Set(paths.map((path) => resolve(path)))];
  return absolute.filter((path) => !absolute.some((other) => path.startsWith(other + sep)));
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", `childProcess: ${message}`);
}
