/** The host's own access to a pool's files: `pool.files`. */
import * as operations from "../../files/operations.ts";
import type { SharedFiles } from "./shared-files.ts";

/** What there is at a path. */
export interface FileStatus {
  type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  size: number;
  /** Milliseconds since 1970; 0 where the storage does not know. */
  modifiedMs: number;
}

/** A file or a directory in a listing. */
export interface DirectoryEntry {
  /** With `recursive`, the path from the directory that was listed. */
  name: string;
  type: "file" | "directory";
}

/** How much of a pool's files is used. */
export interface FilesUsage {
  bytes: number;
  maxBytes: number;
  /** Files and directories. */
  files: number;
  maxFiles: number;
}

/**
 * The files that guests share, as the host reads and writes them: also on a read-only mount, and
 * within the same quotas. Paths are those of guests. Everything rejects with an Error that has a
 * `code` as in Node: ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, EACCES, ENOSPC, ENAMETOOLONG,
 * EINVAL, EPERM, EIO.
 */
export class PoolFiles {
  readonly #files: SharedFiles;

  /** Comes with a pool: see `pool.files`. */
  constructor(files: SharedFiles) {
    this.#files = files;
  }

  /** Where guests find the files, e.g. `/data`. */
  get mount(): string {
    return this.#files.settings.mount;
  }

  /** The file's bytes, or with `"utf8"` its text. */
  readFile(path: string): Promise<Uint8Array>;
  readFile(path: string, encoding: "utf8"): Promise<string>;
  async readFile(path: string, encoding?: "utf8"): Promise<Uint8Array | string> {
    const { base } = this.#files;
    const target = this.#files.target(path, "open");
    const bytes = await this.#files.performForHost(() =>
      operations.read(base, target, 0, Number.MAX_SAFE_INTEGER),
    );
    return encoding === undefined
      ? bytes
      : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  /** Makes the file, or replaces what is in it. */
  async writeFile(path: string, data: string | Uint8Array): Promise<void> {
    const { base } = this.#files;
    const target = this.#files.target(path, "open");
    const bytes = bytesOf(data);
    const flags = { creates: true, exclusive: false, truncates: true };
    await this.#files.performForHost(function* () {
      yield* operations.open(base, target, flags);
      yield* operations.write(base, target, 0, bytes);
    });
  }

  /** Adds to the end of the file, which is made where there is none. */
  async appendFile(path: string, data: string | Uint8Array): Promise<void> {
    const { base } = this.#files;
    const target = this.#files.target(path, "open");
    const bytes = bytesOf(data);
    await this.#files.performForHost(() => operations.append(base, target, bytes));
  }

  /** What is in a directory, sorted by name. */
  async readdir(
    path: string,
    { recursive = false }: { recursive?: boolean } = {},
  ): Promise<DirectoryEntry[]> {
    const { base } = this.#files;
    const target = this.#files.target(path, "readdir");
    const list = recursive ? operations.listAll : operations.list;
    return this.#files.performForHost(() => list(base, target));
  }

  async stat(path: string): Promise<FileStatus> {
    const { base } = this.#files;
    const target = this.#files.target(path, "stat");
    return this.#files.performForHost(() => operations.stat(base, target));
  }

  async exists(path: string): Promise<boolean> {
    const { base } = this.#files;
    const target = this.#files.target(path, "access");
    return this.#files.performForHost(() => operations.exists(base, target));
  }

  /** Makes a directory; with `recursive` those above it too, and it may be there already. */
  async mkdir(path: string, { recursive = false }: { recursive?: boolean } = {}): Promise<void> {
    const { base } = this.#files;
    const target = this.#files.target(path, "mkdir");
    await this.#files.performForHost(() => operations.makeDirectory(base, target, recursive));
  }

  /** Removes a file; with `recursive` a directory and all in it; with `force` it may be gone. */
  async rm(
    path: string,
    { recursive = false, force = false }: { recursive?: boolean; force?: boolean } = {},
  ): Promise<void> {
    const { base } = this.#files;
    const target = this.#files.target(path, "rm");
    const options = { recursive, force, directories: false };
    await this.#files.performForHost(() => operations.remove(base, target, options));
  }

  /** A file takes the place of another one. */
  async rename(from: string, to: string): Promise<void> {
    const { base } = this.#files;
    const source = this.#files.target(from, "rename");
    const target = this.#files.target(to, "rename");
    await this.#files.performForHost(() => operations.rename(base, source, target));
  }

  /** The copy takes the place of what is there. */
  async copyFile(from: string, to: string): Promise<void> {
    const { base } = this.#files;
    const source = this.#files.target(from, "copyFile");
    const target = this.#files.target(to, "copyFile");
    await this.#files.performForHost(() => operations.copy(base, source, target, false));
  }

  /** What is taken of the quotas, what runs have not committed yet included. */
  usage(): FilesUsage {
    const { quota, settings } = this.#files;
    const { maxBytes, maxFiles } = settings;
    return { bytes: quota.bytes, maxBytes, files: quota.files, maxFiles };
  }
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  // What is under way must not change with the caller's copy.
  if (data instanceof Uint8Array) return data.slice();
  throw new TypeError("The data must be a string or a Uint8Array.");
}
