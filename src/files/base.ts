/** The files that all runs share: a backend, and what it may hold. */
import type { Quota } from "./quota.ts";
import { type Steps, wait } from "./steps.ts";
import type { Entry, FileBackend, NamedEntry, Volume } from "./volume.ts";

export class BaseVolume implements Volume {
  readonly #backend: FileBackend;
  readonly #quota: Quota;

  constructor(backend: FileBackend, quota: Quota) {
    this.#backend = backend;
    this.#quota = quota;
  }

  stat(path: string): Steps<Entry | undefined> {
    return wait(this.#backend.stat(path));
  }

  list(path: string): Steps<NamedEntry[]> {
    return wait(this.#backend.list(path));
  }

  read(path: string, position: number, length: number): Steps<Uint8Array> {
    return wait(this.#backend.read(path, position, length));
  }

  *write(path: string, position: number, bytes: Uint8Array): Steps<void> {
    const entry = yield* this.stat(path);
    const size = bytes.length === 0 ? (entry?.size ?? 0) : position + bytes.length;
    yield* this.#grow(entry, size, () => this.#backend.write(path, position, bytes));
  }

  *append(path: string, bytes: Uint8Array): Steps<void> {
    const entry = yield* this.stat(path);
    const size = (entry?.size ?? 0) + bytes.length;
    yield* this.#grow(entry, size, () => this.#backend.append(path, bytes));
  }

  *resize(path: string, size: number): Steps<void> {
    const entry = yield* this.stat(path);
    if (entry !== undefined && size < entry.size) {
      yield* wait(this.#backend.resize(path, size));
      this.#quota.take(size - entry.size, 0);
    } else {
      yield* this.#grow(entry, size, () => this.#backend.resize(path, size));
    }
  }

  *makeDirectory(path: string): Steps<void> {
    yield* this.#taking(0, 1, () => this.#backend.makeDirectory(path));
  }

  *remove(path: string): Steps<void> {
    const entry = yield* this.stat(path);
    yield* wait(this.#backend.remove(path));
    this.#quota.take(-(entry?.size ?? 0), -1);
  }

  *rename(from: string, to: string): Steps<void> {
    const replaced = yield* this.stat(to);
    yield* wait(this.#backend.rename(from, to));
    if (replaced !== undefined) this.#quota.take(-replaced.size, -1);
  }

  #grow(entry: Entry | undefined, size: number, change: () => Promise<void> | void): Steps<void> {
    const growth = Math.max(0, size - (entry?.size ?? 0));
    return this.#taking(growth, entry === undefined ? 1 : 0, change);
  }

  /** Takes the room first, and gives it back when the change fails. */
  *#taking(bytes: number, files: number, change: () => Promise<void> | void): Steps<void> {
    this.#quota.take(bytes, files);
    try {
      yield* wait(change());
    } catch (error) {
      this.#quota.take(-bytes, -files);
      throw error;
    }
  }
}
