/** What can be done with files, as Node does it, on any volume. Paths were resolved before. */
import { type Attempt, FileError, type FileErrorCode, StorageError } from "./file-error.ts";
import { MAXIMUM_DEPTH, tooDeep } from "./paths.ts";
import type { Steps } from "./steps.ts";
import { type Entry, joined, type NamedEntry, parentOf, type Volume } from "./volume.ts";

/** A path inside the mount, and how the caller wrote it. */
export interface Target extends Attempt {
  /** Below the mount. */
  readonly inside: string;
}

/** What `fopen` and Node call flags. */
export interface OpenFlags {
  /** The file is made where there is none. */
  creates: boolean;
  /** There must be none before. */
  exclusive: boolean;
  truncates: boolean;
}

/** The file or directory there. Throws ENOENT or ENOTDIR. */
export function* stat(volume: Volume, target: Target): Steps<Entry> {
  const entry = yield* look(volume, target);
  if (entry !== undefined) return entry;
  return fail((yield* isBelowFile(volume, target)) ? "ENOTDIR" : "ENOENT", target);
}

/** Whether there is something that can be reached. */
export function* exists(volume: Volume, target: Target): Steps<boolean> {
  try {
    return (yield* volume.stat(target.inside)) !== undefined;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/** Makes ready for reading or writing; the size of the file. */
export function* open(volume: Volume, target: Target, flags: OpenFlags): Steps<number> {
  const entry = yield* look(volume, target);
  if (entry?.type === "directory") return fail("EISDIR", target);
  if (entry !== undefined && flags.exclusive) return fail("EEXIST", target);
  if (entry === undefined && !flags.creates) return (yield* stat(volume, target)).size;
  if (entry !== undefined && !flags.truncates) return entry.size;
  if (entry === undefined) yield* needParent(volume, target);
  // A file that is only made, and not emptied, must not take the place of another run's.
  const change = flags.truncates
    ? volume.resize(target.inside, 0)
    : volume.append(target.inside, NOTHING);
  yield* within(target, change);
  return 0;
}

/** As many of the bytes as there are. */
export function* read(
  volume: Volume,
  target: Target,
  position: number,
  length: number,
): Steps<Uint8Array> {
  const { size } = yield* file(volume, target);
  const available = Math.min(length, size - position);
  if (available <= 0) return NOTHING;
  return yield* within(target, volume.read(target.inside, position, available));
}

/** Writes into a file that is there; how many zeros the file needed before that. */
export function* write(
  volume: Volume,
  target: Target,
  position: number,
  bytes: Uint8Array,
): Steps<number> {
  const { size } = yield* file(volume, target);
  yield* within(target, volume.write(target.inside, position, bytes));
  return bytes.length === 0 ? 0 : Math.max(0, position - size);
}

/** Writes at the end of a file, which is made where there is none; its size then. */
export function* append(volume: Volume, target: Target, bytes: Uint8Array): Steps<number> {
  const entry = yield* look(volume, target);
  if (entry?.type === "directory") return fail("EISDIR", target);
  if (entry === undefined) yield* needParent(volume, target);
  yield* within(target, volume.append(target.inside, bytes));
  return (entry?.size ?? 0) + bytes.length;
}

export function* list(volume: Volume, target: Target): Steps<NamedEntry[]> {
  const { type } = yield* stat(volume, target);
  if (type !== "directory") return fail("ENOTDIR", target);
  const entries = yield* within(target, volume.list(target.inside));
  return entries.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The same with what is in the directories below: names are paths from the first. */
export function* listAll(volume: Volume, target: Target): Steps<NamedEntry[]> {
  const found: NamedEntry[] = [];
  const waiting = [{ below: "", entries: yield* list(volume, target) }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const { name, type } of next.entries) {
      const below = joined(next.below, name);
      found.push({ name: below, type });
      if (type !== "directory") continue;
      const inside = joined(target.inside, below);
      waiting.push({ below, entries: yield* list(volume, { ...target, inside }) });
    }
  }
  return found;
}

/** Makes a directory; with `recursive` also those above it, and none where there is one. */
export function* makeDirectory(volume: Volume, target: Target, recursive: boolean): Steps<void> {
  const entry = yield* look(volume, target);
  if (entry !== undefined) {
    if (recursive && entry.type === "directory") return;
    return fail("EEXIST", target);
  }
  const above = parentOf(target.inside) ?? "";
  const parent = yield* look(volume, { ...target, inside: above });
  if (parent?.type === "file") return fail("ENOTDIR", target);
  if (parent === undefined) {
    if (!recursive)
      return fail(
        (yield* isBelowFile(volume, { ...target, inside: above })) ? "ENOTDIR" : "ENOENT",
        target,
      );
    yield* makeDirectory(volume, { ...target, inside: above }, true);
  }
  yield* within(target, volume.makeDirectory(target.inside));
}

export interface RemoveOptions {
  /** Directories with all that is in them. */
  recursive: boolean;
  /** Nothing there is fine. */
  force: boolean;
  /** Empty directories too. */
  directories: boolean;
}

export function* remove(volume: Volume, target: Target, options: RemoveOptions): Steps<void> {
  const entry = yield* look(volume, target);
  if (entry === undefined) {
    if (options.force) return;
    yield* stat(volume, target);
    return;
  }
  if (target.inside === "") fail("EPERM", target, "the mount itself cannot be removed");
  if (entry.type === "directory") {
    if (!options.recursive && !options.directories) fail("EISDIR", target);
    const entries = yield* within(target, volume.list(target.inside));
    if (entries.length > 0 && !options.recursive) fail("ENOTEMPTY", target);
    for (const { name } of entries) {
      const inside = joined(target.inside, name);
      yield* remove(volume, { ...target, inside }, { ...options, force: true });
    }
  }
  yield* within(target, volume.remove(target.inside));
}

/** How many files and directories that were looked at for it. */
export function* rename(volume: Volume, from: Target, to: Target): Steps<number> {
  const entry = yield* stat(volume, from);
  if (from.inside === to.inside) return 1;
  if (from.inside === "" || to.inside === "") fail("EPERM", from, "the mount cannot be renamed");
  if (to.inside.startsWith(`${from.inside}/`)) {
    fail("EINVAL", from, "a directory cannot be moved into itself");
  }
  const replaced = yield* look(volume, to);
  if (replaced === undefined) yield* needParent(volume, to);
  else if (replaced.type === "directory" && entry.type === "file") fail("EISDIR", to);
  else if (replaced.type === "file" && entry.type === "directory") fail("ENOTDIR", to);
  else if (replaced.type === "directory") {
    if ((yield* within(to, volume.list(to.inside))).length > 0) fail("ENOTEMPTY", to);
  }
  const below = entry.type === "directory" ? yield* listAll(volume, from) : [];
  const depth = below.reduce((deepest, { name }) => Math.max(deepest, depthOf(name)), 0);
  if (depthOf(to.inside) + depth > MAXIMUM_DEPTH) throw tooDeep(to);
  yield* within(from, volume.rename(from.inside, to.inside));
  return below.length + 1;
}

/** Bytes that are copied at once, so that a large file is never whole in memory for it. */
const COPIED_BYTES = 2 ** 20;

/** How many bytes that were. */
export function* copy(volume: Volume, from: Target, to: Target, exclusive: boolean): Steps<number> {
  const { size } = yield* file(volume, from);
  if (from.inside === to.inside && !exclusive) return 0;
  yield* open(volume, to, { creates: true, exclusive, truncates: true });
  for (let position = 0; position < size; position += COPIED_BYTES) {
    const bytes = yield* read(volume, from, position, Math.min(COPIED_BYTES, size - position));
    yield* within(to, volume.write(to.inside, position, bytes));
  }
  return size;
}

const NOTHING = new Uint8Array(0);

function depthOf(path: string): number {
  return path === "" ? 0 : path.split("/").length;
}

function* file(volume: Volume, target: Target): Steps<Entry> {
  const entry = yield* stat(volume, target);
  return entry.type === "file" ? entry : fail("EISDIR", target);
}

function* needParent(volume: Volume, target: Target): Steps<void> {
  const above = parentOf(target.inside) ?? "";
  const parent = yield* look(volume, { ...target, inside: above });
  if (parent?.type === "directory") return;
  const isFile = parent !== undefined || (yield* isBelowFile(volume, { ...target, inside: above }));
  fail(isFile ? "ENOTDIR" : "ENOENT", target);
}

function* isBelowFile(volume: Volume, target: Target): Steps<boolean> {
  for (let above = parentOf(target.inside); above !== undefined; above = parentOf(above)) {
    const entry = yield* look(volume, { ...target, inside: above });
    if (entry !== undefined) return entry.type === "file";
  }
  return false;
}

function look(volume: Volume, target: Target): Steps<Entry | undefined> {
  return within(target, volume.stat(target.inside));
}

/** Says of what a storage could not do where it was tried. */
function* within<Result>(target: Target, steps: Steps<Result>): Steps<Result> {
  try {
    return yield* steps;
  } catch (error) {
    if (error instanceof StorageError) return fail(error.code, target, error.reason);
    throw error;
  }
}

function fail(code: FileErrorCode, target: Target, reason?: string): never {
  throw new FileError(code, target, reason);
}
