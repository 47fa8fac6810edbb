/** The pool's `files` option: defaults, and what is refused. */
import { checkKeys, display, invalid, whole } from "../option-checks.ts";

/** Files that all sandboxes of a pool share. */
export interface FilesOptions {
  /** Where guests find them: an absolute path. Default `/data`. */
  mount?: string | undefined;
  /**
   * Where they are kept. `"memory"` (default): with the pool. `{ directory }`: in a directory of
   * the host, which must exist (Node). `"opfs"`: in the storage of the page's origin, where they
   * outlive the page (browsers); `{ opfs: "name" }` in a part of it that others do not share.
   */
  backend?: "memory" | "opfs" | { directory: string } | { opfs: string } | undefined;
  /** Guests can only read; `pool.files` can still write. Default false. */
  readOnly?: boolean | undefined;
  /** Bytes that all files together may have. Default 64 MiB. */
  maxBytes?: number | undefined;
  /** Files and directories there may be. Default 10,000. */
  maxFiles?: number | undefined;
  /** Bytes of UTF-8 in the name of a file or directory. Default 255. */
  maxNameBytes?: number | undefined;
  /**
   * `"shared"` (default): what a run writes is there for all at once, and stays. `"overlay"`: it is
   * there for others when the run has succeeded, just before its caller hears of it, and never when
   * it fails.
   */
  perRun?: "shared" | "overlay" | undefined;
}

export type BackendChoice =
  | { kind: "memory" }
  | { kind: "directory"; directory: string }
  | { kind: "opfs"; name: string };

/** The same with every default filled in. */
export interface FilesSettings {
  mount: string;
  backend: BackendChoice;
  readOnly: boolean;
  maxBytes: number;
  maxFiles: number;
  maxNameBytes: number;
  hasOverlays: boolean;
}

const FILES_KEYS = "mount backend readOnly maxBytes maxFiles maxNameBytes perRun".split(" ");
const DEFAULT_OPFS_NAME = "skep";
/** As storages have it. */
const LONGEST_NAME = 255;

/** Checks the option. Throws `invalid-argument`. */
export function resolveFiles(options: unknown): FilesSettings {
  checkKeys(options, "files", FILES_KEYS);
  const {
    mount,
    backend,
    readOnly = false,
    perRun = "shared",
    ...quotas
  } = options as FilesOptions;
  if (typeof readOnly !== "boolean") throw invalid("files.readOnly must be true or false.");
  if (perRun !== "shared" && perRun !== "overlay") {
    throw invalid('files.perRun must be "shared" or "overlay".');
  }
  const { maxBytes, maxFiles, maxNameBytes } = quotas;
  const most = { min: 0, max: Number.MAX_SAFE_INTEGER };
  return {
    mount: resolveMount(mount),
    backend: resolveBackend(backend),
    readOnly,
    maxBytes: whole(maxBytes, "files.maxBytes", 64 * 2 ** 20, most),
    maxFiles: whole(maxFiles, "files.maxFiles", 10_000, most),
    maxNameBytes: whole(maxNameBytes, "files.maxNameBytes", LONGEST_NAME, {
      min: 1,
      max: LONGEST_NAME,
    }),
    hasOverlays: perRun === "overlay",
  };
}

function resolveMount(mount: unknown = "/data"): string {
  if (typeof mount !== "string" || !/^\/[^\0\\]*$/.test(mount)) {
    throw invalid(`files.mount must be an absolute path such as "/data", not ${display(mount)}.`);
  }
  const names = mount.split("/").filter((name) => name !== "");
  if (names.some((name) => name === "." || name === "..")) {
    throw invalid(`files.mount must not have "." or "..": ${JSON.stringify(mount)}.`);
  }
  return `/${names.join("/")}`;
}

const BACKENDS = '"memory", "opfs", { directory: "path" } or { opfs: "name" }';

function resolveBackend(backend: unknown = "memory"): BackendChoice {
  if (backend === "memory") return { kind: "memory" };
  if (backend === "opfs") return { kind: "opfs", name: DEFAULT_OPFS_NAME };
  if (typeof backend !== "object" || backend === null) {
    throw invalid(`files.backend must be ${BACKENDS}, not ${JSON.stringify(backend) ?? "that"}.`);
  }
  if ("opfs" in backend) {
    checkKeys(backend, "files.backend", ["opfs"]);
    const { opfs: name } = backend;
    if (typeof name !== "string" || !/^[\w-][\w.-]*$/.test(name)) {
      throw invalid("files.backend.opfs must be a name of letters, digits, dots and dashes.");
    }
    return { kind: "opfs", name };
  }
  checkKeys(backend, "files.backend", ["directory"]);
  const { directory } = backend as { directory?: unknown };
  if (typeof directory !== "string" || directory === "" || directory.includes("\0")) {
    throw invalid(`files.backend must be ${BACKENDS}.`);
  }
  return { kind: "directory", directory };
}
