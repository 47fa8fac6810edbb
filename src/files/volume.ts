/** What file systems are made of. Paths are names joined by `/`, without one in front; `""` is the mount. */
import type { Eventual, Steps } from "./steps.ts";

/** What there is at a path. */
export interface Entry {
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface NamedEntry {
  readonly name: string;
  readonly type: Entry["type"];
}

/** What a storage holds already. */
export interface Usage {
  bytes: number;
  /** Files and directories. */
  files: number;
}

/**
 * Where files are kept. It is asked only for what makes sense: who calls it has looked at what
 * there is. It fails with a StorageError where something else changes the same files.
 */
export interface FileBackend {
  /** Undefined where there is nothing, or nothing that a sandbox may see. */
  stat(path: string): Eventual<Entry | undefined>;
  list(path: string): Eventual<NamedEntry[]>;
  /** As many of the bytes as there are; the caller's own copy. */
  read(path: string, position: number, length: number): Eventual<Uint8Array>;
  /** Makes the file where there is none; a gap is filled with zeros. */
  write(path: string, position: number, bytes: Uint8Array): Eventual<void>;
  /** The same, at the end. */
  append(path: string, bytes: Uint8Array): Eventual<void>;
  /** Cuts or fills with zeros; makes the file where there is none. */
  resize(path: string, size: number): Eventual<void>;
  makeDirectory(path: string): Eventual<void>;
  /** A file, or an empty directory. */
  remove(path: string): Eventual<void>;
  /** A file takes the place of another, a directory that of an empty one. */
  rename(from: string, to: string): Eventual<void>;
  usage(): Eventual<Usage>;
}

/** The same with quotas, for a run or for all. */
export interface Volume {
  stat(path: string): Steps<Entry | undefined>;
  list(path: string): Steps<NamedEntry[]>;
  read(path: string, position: number, length: number): Steps<Uint8Array>;
  write(path: string, position: number, bytes: Uint8Array): Steps<void>;
  append(path: string, bytes: Uint8Array): Steps<void>;
  resize(path: string, size: number): Steps<void>;
  makeDirectory(path: string): Steps<void>;
  remove(path: string): Steps<void>;
  rename(from: string, to: string): Steps<void>;
}

/** The directory that a path is in; undefined for the mount. */
export function parentOf(path: string): string | undefined {
  if (path === "") return undefined;
  const end = path.lastIndexOf("/");
  return end < 0 ? "" : path.slice(0, end);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function joined(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
