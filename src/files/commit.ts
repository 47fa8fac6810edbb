/**
 * Puts what a run has changed where all see it. Of runs that changed the same file, the one that
 * commits last has the say; what was appended is appended.
 */
import { StorageError } from "./file-error.ts";
import type { Change } from "./overlay.ts";
import type { Steps } from "./steps.ts";
import { joined, parentOf, type Volume } from "./volume.ts";

/** What others have made of the files meanwhile leaves no place for a change. */
export class CommitConflictError extends Error {
  constructor(
    readonly path: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** Throws {@link CommitConflictError}, with nothing changed, where a change has no place. */
export function* commit(base: Volume, changes: ReadonlyMap<string, Change>): Steps<void> {
  for (const [path, change] of changes) yield* check(base, changes, path, change);
  const paths = [...changes.keys()].sort((left, right) => depthOf(left) - depthOf(right));
  for (const path of [...paths].reverse()) {
    const change = changes.get(path);
    if (change?.type === "removed" || (change !== undefined && isAnew(change))) {
      yield* clear(base, path, change);
    }
  }
  for (const path of paths) {
    const change = changes.get(path);
    if (change === undefined || change.type === "removed") continue;
    if (change.type === "directory") yield* ensureDirectory(base, path);
    else {
      yield* ensureDirectory(base, parentOf(path) ?? "");
      const bytes = change.content.read(0, change.content.size);
      if (change.type === "appended") yield* base.append(path, bytes);
      else {
        yield* base.resize(path, 0);
        if (bytes.length > 0) yield* base.write(path, 0, bytes);
      }
    }
  }
}

function isAnew(change: Change): boolean {
  return "isAnew" in change && change.isAnew;
}

/** Removes what was there before, unless others have put something into it. */
function* clear(base: Volume, path: string, change: Change): Steps<void> {
  const entry = yield* base.stat(path);
  if (entry === undefined) return;
  if (entry.type === "directory") {
    if (change.type === "directory" || (yield* base.list(path)).length > 0) return;
  } else if (change.type === "file") return;
  yield* base.remove(path);
}

function* check(
  base: Volume,
  changes: ReadonlyMap<string, Change>,
  path: string,
  change: Change,
): Steps<void> {
  if (change.type === "removed") return;
  for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
    if (!changes.has(above) && (yield* base.stat(above))?.type === "file") {
      throw new CommitConflictError(above, "has become a file, and was a directory");
    }
  }
  const entry = yield* base.stat(path);
  if (entry === undefined) return;
  if (change.type === "directory") {
    if (entry.type === "directory" || change.isAnew) return;
    throw new CommitConflictError(path, "has become a file, and was to be a directory");
  }
  if (entry.type === "file") return;
  const isKnown = isAnew(change) && !(yield* holdsOthers(base, changes, path));
  if (!isKnown) {
    throw new CommitConflictError(path, "has become a directory, and was to be a file");
  }
}

/** Whether a directory has something that the run has not removed. */
function* holdsOthers(
  base: Volume,
  changes: ReadonlyMap<string, Change>,
  path: string,
): Steps<boolean> {
  for (const { name, type } of yield* base.list(path)) {
    const inner = joined(path, name);
    if (changes.get(inner)?.type !== "removed") return true;
    if (type === "directory" && (yield* holdsOthers(base, changes, inner))) return true;
  }
  return false;
}

function* ensureDirectory(base: Volume, path: string): Steps<void> {
  const entry = yield* base.stat(path);
  if (entry?.type === "directory") return;
  if (entry !== undefined) throw new StorageError("ENOTDIR");
  yield* ensureDirectory(base, parentOf(path) ?? "");
  yield* base.makeDirectory(path);
}

function depthOf(path: string): number {
  return path.split("/").length;
}
