/**
 * What one run has changed and nobody else sees yet. What it has not changed it reads from the
 * files that all share, as they are at that moment. Its bytes count as taken until they are
 * committed or given up, beside those they replace.
 */
import { Content } from "./content.ts";
import { StorageError } from "./file-error.ts";
import type { Quota } from "./quota.ts";
import type { Steps } from "./steps.ts";
import { type Entry, joined, type NamedEntry, nameOf, parentOf, type Volume } from "./volume.ts";

/** What has become of a path. `isAnew`: what all share at this path was removed before. */
export type Change =
  | { type: "removed" }
  | { type: "directory"; isAnew: boolean; modifiedMs: number }
  /** The whole file. */
  | { type: "file"; isAnew: boolean; content: Content; modifiedMs: number }
  /** What is to follow what all share. */
  | { type: "appended"; content: Content; modifiedMs: number };

export class Overlay implements Volume {
  readonly #base: Volume;
  readonly #quota: Quota;
  readonly #changes = new Map<string, Change>();
  #bytes = 0;
  #files = 0;

  constructor(base: Volume, quota: Quota) {
    this.#base = base;
    this.#quota = quota;
  }

  /** What is to be committed, by path; and the room it has taken is given back. */
  takeChanges(): Map<string, Change> {
    const changes = new Map(this.#changes);
    this.discard();
    return changes;
  }

  /** Forgets everything. */
  discard(): void {
    this.#changes.clear();
    this.#quota.take(-this.#bytes, -this.#files);
    this.#bytes = this.#files = 0;
  }

  *stat(path: string): Steps<Entry | undefined> {
    if (!this.#isReachable(path)) return undefined;
    const change = this.#changes.get(path);
    if (change === undefined) return yield* this.#shared(path);
    if (change.type === "removed") return undefined;
    const { modifiedMs } = change;
    if (change.type === "directory") return { type: "directory", size: 0, modifiedMs };
    const before = change.type === "appended" ? ((yield* this.#shared(path))?.size ?? 0) : 0;
    return { type: "file", size: before + change.content.size, modifiedMs };
  }

  *list(path: string): Steps<NamedEntry[]> {
    const entries = new Map<string, NamedEntry>();
    if ((yield* this.#shared(path))?.type === "directory" && !this.#hides(path)) {
      for (const entry of yield* this.#base.list(path)) entries.set(entry.name, entry);
    }
    for (const [changed, { type }] of this.#changes) {
      if (parentOf(changed) !== path) continue;
      const name = nameOf(changed);
      if (type === "removed") entries.delete(name);
      else entries.set(name, { name, type: type === "directory" ? type : "file" });
    }
    return [...entries.values()];
  }

  *read(path: string, position: number, length: number): Steps<Uint8Array> {
    const change = this.#changes.get(path);
    if (change?.type === "file") return change.content.read(position, length);
    if (change?.type !== "appended") return yield* this.#base.read(path, position, length);
    const shared = yield* this.#shared(path);
    const size = shared?.size ?? 0;
    const head =
      shared === undefined || position >= size
        ? new Uint8Array(0)
        : yield* this.#base.read(path, position, Math.min(length, size - position));
    const tail = change.content.read(Math.max(0, position - size), length - head.length);
    const bytes = new Uint8Array(head.length + tail.length);
    bytes.set(head);
    bytes.set(tail, head.length);
    return bytes;
  }

  *write(path: string, position: number, bytes: Uint8Array): Steps<void> {
    const change = yield* this.#whole(path);
    const { content } = change;
    if (bytes.length > 0) this.#take(Math.max(0, position + bytes.length - content.size), 0);
    content.write(position, bytes);
    change.modifiedMs = Date.now();
  }

  *append(path: string, bytes: Uint8Array): Steps<void> {
    const known = this.#changes.get(path);
    let change = known?.type === "removed" ? yield* this.#whole(path) : known;
    if (change?.type === "directory") throw new StorageError("EISDIR");
    if (change === undefined) {
      this.#take(0, 1);
      change = { type: "appended", content: new Content(), modifiedMs: 0 };
      this.#changes.set(path, change);
    }
    this.#take(bytes.length, 0);
    change.content.write(change.content.size, bytes);
    change.modifiedMs = Date.now();
  }

  *resize(path: string, size: number): Steps<void> {
    // What is thrown away need not be read.
    const change = size === 0 ? this.#emptied(path) : yield* this.#whole(path);
    this.#take(size - change.content.size, 0);
    change.content.resize(size);
    change.modifiedMs = Date.now();
  }

  // oxlint-disable-next-line require-yield -- nothing has to be waited for
  *makeDirectory(path: string): Steps<void> {
    const isAnew = this.#changes.has(path);
    this.#take(0, 1);
    this.#changes.set(path, { type: "directory", isAnew, modifiedMs: Date.now() });
  }

  *remove(path: string): Steps<void> {
    const shared = yield* this.#shared(path);
    this.#release(path);
    if (shared !== undefined) this.#changes.set(path, { type: "removed" });
  }

  *rename(from: string, to: string): Steps<void> {
    const entry = yield* this.stat(from);
    if (entry === undefined) throw new StorageError("ENOENT");
    const replaced = yield* this.stat(to);
    if (entry.type === "file") {
      const { content } = yield* this.#whole(from);
      // What moves takes no more room than before.
      this.#changes.delete(from);
      if (replaced !== undefined) yield* this.remove(to);
      const isAnew = this.#changes.has(to);
      this.#changes.set(to, { type: "file", isAnew, content, modifiedMs: entry.modifiedMs });
      if ((yield* this.#shared(from)) !== undefined) this.#changes.set(from, { type: "removed" });
      return;
    }
    const before = { changes: new Map(this.#changes), bytes: this.#bytes, files: this.#files };
    try {
      if (replaced !== undefined) yield* this.remove(to);
      yield* this.makeDirectory(to);
      for (const { name } of yield* this.list(from)) {
        yield* this.rename(joined(from, name), joined(to, name));
      }
      yield* this.remove(from);
    } catch (error) {
      // There was no room for a part of it: a directory moves whole. Its files were not written to.
      this.#changes.clear();
      for (const [path, change] of before.changes) this.#changes.set(path, change);
      this.#take(before.bytes - this.#bytes, before.files - this.#files);
      throw error;
    }
  }

  /** Whether every directory on the way is there for this run. */
  #isReachable(path: string): boolean {
    if (this.#changes.size === 0) return true;
    for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
      const change = this.#changes.get(above);
      if (change !== undefined && change.type !== "directory") return false;
    }
    return true;
  }

  /** Whether what all share below a directory is not this run's any more. */
  #hides(path: string): boolean {
    const change = this.#changes.get(path);
    return change?.type === "directory" && change.isAnew;
  }

  /** What all share at a path, if this run can still see it. */
  *#shared(path: string): Steps<Entry | undefined> {
    if (this.#changes.size > 0) {
      for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
        if (this.#hides(above)) return undefined;
      }
    }
    return yield* this.#base.stat(path);
  }

  /** A copy of the whole file, which writing then changes. */
  *#whole(path: string): Steps<Change & { type: "file" }> {
    const change = this.#changes.get(path);
    if (change?.type === "file") return change;
    if (change?.type === "directory") throw new StorageError("EISDIR");
    const size = change?.type === "removed" ? 0 : ((yield* this.#shared(path))?.size ?? 0);
    const isAnew = change?.type === "removed";
    this.#take(size, change?.type === "appended" ? 0 : 1);
    let content: Content;
    try {
      content = Content.of(size === 0 ? NOTHING : yield* this.#base.read(path, 0, size));
    } catch (error) {
      this.#take(-size, change?.type === "appended" ? 0 : -1);
      throw error;
    }
    // Nothing of other runs' comes between: storage is asked for one thing after the other.
    this.#take(content.size - size, 0);
    if (change?.type === "appended") {
      content.write(content.size, change.content.read(0, change.content.size));
    }
    return this.#set(path, { type: "file", isAnew, content, modifiedMs: Date.now() });
  }

  #emptied(path: string): Change & { type: "file" } {
    const change = this.#changes.get(path);
    if (change?.type === "directory") throw new StorageError("EISDIR");
    const isAnew = change?.type === "removed" || (change?.type === "file" && change.isAnew);
    if (change === undefined || change.type === "removed") this.#take(0, 1);
    else this.#take(-change.content.size, 0);
    const content = new Content();
    return this.#set(path, { type: "file", isAnew, content, modifiedMs: Date.now() });
  }

  #set(path: string, change: Change & { type: "file" }): Change & { type: "file" } {
    this.#changes.set(path, change);
    return change;
  }

  /** Forgets what was changed at a path, and gives its room back. */
  #release(path: string): void {
    const change = this.#changes.get(path);
    this.#changes.delete(path);
    if (change === undefined || change.type === "removed") return;
    this.#take(change.type === "directory" ? 0 : -change.content.size, -1);
  }

  #take(bytes: number, files: number): void {
    this.#quota.take(bytes, files);
    this.#bytes += bytes;
    this.#files += files;
  }
}

const NOTHING = new Uint8Array(0);
