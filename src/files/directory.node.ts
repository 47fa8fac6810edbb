/**
 * Files in a directory of the host, and nothing outside of it: links are never followed. Sandboxes
 * cannot make any; whoever else can write there is trusted not to put one in the way of an operation
 * under way.
 */
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { isFileErrorCode, StorageError } from "./file-error.ts";
import { countUsage } from "./usage.ts";
import {
  type Entry,
  type FileBackend,
  type NamedEntry,
  nameOf,
  parentOf,
  type Usage,
} from "./volume.ts";

// Windows has neither, and no way to meet a pipe by its name in a directory.
const { O_NOFOLLOW, O_NONBLOCK } = constants as Partial<typeof constants>;
const CAREFULLY = (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
/** What Windows takes for a device, a stream of a file, or another name. */
const FOREIGN_TO_WINDOWS =
  // oxlint-disable-next-line no-control-regex -- these are among them
  /[<>:"|?*\u0000-\u001f]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Opens a directory. Rejects with Node's error when it is not there, or none. */
export async function openDirectory(directory: string): Promise<FileBackend> {
  const root = await fs.realpath(directory);
  if (!(await fs.stat(root)).isDirectory()) throw new Error("it is not a directory");
  return new DirectoryBackend(root, process.platform === "win32");
}

class DirectoryBackend implements FileBackend {
  readonly #root: string;
  readonly #isWindows: boolean;

  constructor(root: string, isWindows: boolean) {
    this.#root = root;
    this.#isWindows = isWindows;
  }

  async stat(path: string): Promise<Entry | undefined> {
    try {
      const found = await fs.lstat(await this.#place(path));
      const type = found.isDirectory() ? "directory" : found.isFile() ? "file" : undefined;
      if (type === undefined) {
        throw new StorageError("EACCES", "permission denied: it is neither a file nor a directory");
      }
      return { type, size: type === "file" ? found.size : 0, modifiedMs: found.mtimeMs };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw storageError(error);
    }
  }

  async list(path: string): Promise<NamedEntry[]> {
    return this.#at(path, async (place) => {
      const found = await fs.readdir(place, { withFileTypes: true });
      return found.flatMap((entry): NamedEntry[] => {
        const { name } = entry;
        if (entry.isDirectory()) return [{ name, type: "directory" }];
        return entry.isFile() ? [{ name, type: "file" }] : [];
      });
    });
  }

  read(path: string, position: number, length: number): Promise<Uint8Array> {
    return this.#open(path, constants.O_RDONLY, async (handle) => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === length ? bytes : bytes.slice(0, filled);
    });
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    return this.#open(path, constants.O_WRONLY | constants.O_CREAT, async (handle) => {
      let done = 0;
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(
          bytes,
          done,
          bytes.length - done,
          position + done,
        );
        done += bytesWritten;
      }
    });
  }

  append(path: string, bytes: Uint8Array): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
    return this.#open(path, flags, async (handle) => {
      if (bytes.length > 0) await handle.writeFile(bytes);
    });
  }

  resize(path: string, size: number): Promise<void> {
    return this.#open(path, constants.O_WRONLY | constants.O_CREAT, (handle) =>
      handle.truncate(size),
    );
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#at(path, (place) => fs.mkdir(place));
  }

  async remove(path: string): Promise<void> {
    await this.#at(path, async (place) => {
      if ((await fs.lstat(place)).isDirectory()) await fs.rmdir(place);
      else await fs.unlink(place);
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#at(from, async (place) => fs.rename(place, await this.#place(to)));
  }

  usage(): Promise<Usage> {
    return countUsage(this);
  }

  /** Where a path is on the host, if every directory on the way is what it seems. */
  async #place(path: string): Promise<string> {
    if (this.#isWindows && path.split("/").some((name) => FOREIGN_TO_WINDOWS.test(name))) {
      throw new StorageError("EINVAL", "the path has a name that Windows does not allow");
    }
    const parent = join(this.#root, parentOf(path) ?? "");
    if ((await fs.realpath(parent)) !== parent) {
      throw new StorageError("EACCES", "permission denied: there is a link on the way");
    }
    return path === "" ? parent : join(parent, nameOf(path));
  }

  async #at<Result>(path: string, act: (place: string) => Promise<Result>): Promise<Result> {
    try {
      return await act(await this.#place(path));
    } catch (error) {
      throw storageError(error);
    }
  }

  #open<Result>(
    path: string,
    flags: number,
    act: (handle: fs.FileHandle) => Promise<Result>,
  ): Promise<Result> {
    return this.#at(path, async (place) => {
      const handle = await fs.open(place, flags | CAREFULLY, 0o666);
      try {
        if (!(await handle.stat()).isFile()) throw new StorageError("EACCES");
        return await act(handle);
      } finally {
        await handle.close();
      }
    });
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Without Node's message, which has the host's path. */
function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const { code } = error as NodeJS.ErrnoException;
  // A link in the place of a file, which O_NOFOLLOW refuses.
  if (code === "ELOOP") return new StorageError("EACCES", undefined, { cause: error });
  if (isFileErrorCode(code)) return new StorageError(code, undefined, { cause: error });
  const reason = `the storage failed${code === undefined ? "" : ` with ${code}`}`;
  return new StorageError("EIO", reason, { cause: error });
}
