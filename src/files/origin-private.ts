/** Files in the browser's own storage of a page's origin (OPFS): they outlive pool and page. */
import { StorageError } from "./file-error.ts";
import { countUsage } from "./usage.ts";
import {
  type Entry,
  type FileBackend,
  joined,
  type NamedEntry,
  nameOf,
  parentOf,
  type Usage,
} from "./volume.ts";

/** Opens a directory of that name in the origin's storage. Rejects with the browser's error. */
export async function openOriginPrivate(name: string): Promise<FileBackend> {
  const storage = await navigator.storage.getDirectory();
  return new OriginPrivateBackend(await storage.getDirectoryHandle(name, { create: true }), name);
}

class OriginPrivateBackend implements FileBackend {
  readonly #root: FileSystemDirectoryHandle;
  readonly #lock: string;

  constructor(root: FileSystemDirectoryHandle, name: string) {
    this.#root = root;
    this.#lock = `skep-files:${name}`;
  }

  async stat(path: string): Promise<Entry | undefined> {
    if (path === "") return { type: "directory", size: 0, modifiedMs: 0 };
    try {
      const directory = await this.#directory(parentOf(path) ?? "");
      return await this.#entry(directory, nameOf(path));
    } catch (error) {
      const { name } = error as DOMException;
      if (name === "NotFoundError" || name === "TypeMismatchError") return undefined;
      throw storageError(error);
    }
  }

  list(path: string): Promise<NamedEntry[]> {
    return attempt(async () => {
      const entries: NamedEntry[] = [];
      for await (const { name, kind } of (await this.#directory(path)).values()) {
        entries.push({ name, type: kind });
      }
      return entries;
    });
  }

  read(path: string, position: number, length: number): Promise<Uint8Array> {
    return attempt(async () => {
      const file = await (await this.#file(path, false)).getFile();
      return new Uint8Array(await file.slice(position, position + length).arrayBuffer());
    });
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    return this.#change(path, async (stream, size) => {
      if (position > size) await stream.truncate(position);
      await stream.write({ type: "write", position, data: bytes as Uint8Array<ArrayBuffer> });
    });
  }

  append(path: string, bytes: Uint8Array): Promise<void> {
    return this.#change(path, (stream, size) =>
      stream.write({ type: "write", position: size, data: bytes as Uint8Array<ArrayBuffer> }),
    );
  }

  resize(path: string, size: number): Promise<void> {
    return this.#change(path, (stream) => stream.truncate(size));
  }

  async makeDirectory(path: string): Promise<void> {
    await attempt(async () => {
      const parent = await this.#directory(parentOf(path) ?? "");
      await parent.getDirectoryHandle(nameOf(path), { create: true });
    });
  }

  async remove(path: string): Promise<void> {
    await attempt(async () => {
      const parent = await this.#directory(parentOf(path) ?? "");
      await parent.removeEntry(nameOf(path));
    });
  }

  /** By copying: not every browser can move what is in there. */
  async rename(from: string, to: string): Promise<void> {
    const entry = await this.stat(from);
    if (entry === undefined) throw new StorageError("ENOENT");
    if (entry.type === "file") {
      const bytes = await this.read(from, 0, entry.size);
      await this.resize(to, 0);
      await this.write(to, 0, bytes);
    } else {
      await this.makeDirectory(to);
      for (const { name } of await this.list(from)) {
        await this.rename(joined(from, name), joined(to, name));
      }
    }
    await this.remove(from);
  }

  usage(): Promise<Usage> {
    return countUsage(this);
  }

  async #entry(directory: FileSystemDirectoryHandle, name: string): Promise<Entry> {
    let handle: FileSystemFileHandle;
    try {
      handle = await directory.getFileHandle(name);
    } catch (error) {
      if ((error as DOMException).name !== "TypeMismatchError") throw error;
      // The storage keeps no times of directories.
      return { type: "directory", size: 0, modifiedMs: 0 };
    }
    const { size, lastModified } = await handle.getFile();
    return { type: "file", size, modifiedMs: lastModified };
  }

  async #directory(path: string): Promise<FileSystemDirectoryHandle> {
    let directory = this.#root;
    for (const name of path.split("/")) {
      if (name !== "") directory = await directory.getDirectoryHandle(name);
    }
    return directory;
  }

  async #file(path: string, create: boolean): Promise<FileSystemFileHandle> {
    const parent = await this.#directory(parentOf(path) ?? "");
    return parent.getFileHandle(nameOf(path), { create });
  }

  /** Under a lock of the origin: a stream replaces the whole file when it is closed. */
  async #change(
    path: string,
    act: (stream: FileSystemWritableFileStream, size: number) => Promise<void>,
  ): Promise<void> {
    await navigator.locks.request(this.#lock, () =>
      attempt(async () => {
        const handle = await this.#file(path, true);
        const { size } = await handle.getFile();
        const stream = await handle.createWritable({ keepExistingData: true });
        try {
          await act(stream, size);
        } catch (error) {
          await stream.abort();
          throw error;
        }
        await stream.close();
      }),
    );
  }
}

async function attempt<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw storageError(error);
  }
}

function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const { name } = error as DOMException;
  if (name === "NotFoundError") return new StorageError("ENOENT", undefined, { cause: error });
  if (name === "TypeMismatchError") return new StorageError("ENOTDIR", undefined, { cause: error });
  if (name === "InvalidModificationError") {
    return new StorageError("ENOTEMPTY", undefined, { cause: error });
  }
  if (name === "QuotaExceededError") {
    const reason = "no space left: the browser gives this origin no more";
    return new StorageError("ENOSPC", reason, { cause: error });
  }
  if (name === "TypeError") {
    return new StorageError("EINVAL", "the path has a name that the browser does not allow", {
      cause: error,
    });
  }
  return new StorageError("EIO", `the storage failed with ${name}`, { cause: error });
}
