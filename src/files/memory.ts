/** Files in the memory of the parent: they are gone with the pool. */
import { Content } from "./content.ts";
import { StorageError } from "./file-error.ts";
import { type Entry, type FileBackend, type NamedEntry, nameOf, parentOf } from "./volume.ts";

interface MemoryFile {
  type: "file";
  content: Content;
  modifiedMs: number;
}

interface MemoryDirectory {
  type: "directory";
  children: Map<string, Node>;
  modifiedMs: number;
}

type Node = MemoryFile | MemoryDirectory;

export class MemoryBackend implements FileBackend {
  readonly #root: MemoryDirectory = newDirectory();

  stat(path: string): Entry | undefined {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const { type, modifiedMs } = node;
    return { type, size: node.type === "file" ? node.content.size : 0, modifiedMs };
  }

  list(path: string): NamedEntry[] {
    return Array.from(this.#directory(path).children, ([name, { type }]) => ({ name, type }));
  }

  read(path: string, position: number, length: number): Uint8Array {
    const node = this.#find(path);
    if (node?.type !== "file") throw new StorageError("ENOENT");
    return node.content.read(position, length);
  }

  write(path: string, position: number, bytes: Uint8Array): void {
    this.#file(path).content.write(position, bytes);
  }

  append(path: string, bytes: Uint8Array): void {
    const { content } = this.#file(path);
    content.write(content.size, bytes);
  }

  resize(path: string, size: number): void {
    this.#file(path).content.resize(size);
  }

  makeDirectory(path: string): void {
    this.#put(path, newDirectory());
  }

  remove(path: string): void {
    const directory = this.#directory(parentOf(path) ?? "");
    directory.children.delete(nameOf(path));
    directory.modifiedMs = Date.now();
  }

  rename(from: string, to: string): void {
    const node = this.#find(from);
    if (node === undefined) throw new StorageError("ENOENT");
    this.remove(from);
    this.#put(to, node);
  }

  usage(): { bytes: number; files: number } {
    return { bytes: 0, files: 0 };
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    if (path === "") return node;
    for (const name of path.split("/")) {
      if (node?.type !== "directory") return undefined;
      node = node.children.get(name);
    }
    return node;
  }

  #directory(path: string): MemoryDirectory {
    const node = this.#find(path);
    if (node?.type !== "directory") throw new StorageError("ENOTDIR");
    return node;
  }

  /** The file to change, which is made where there is none. */
  #file(path: string): MemoryFile {
    const node = this.#find(path);
    if (node?.type === "directory") throw new StorageError("EISDIR");
    if (node !== undefined) {
      node.modifiedMs = Date.now();
      return node;
    }
    const file: MemoryFile = { type: "file", content: new Content(), modifiedMs: Date.now() };
    this.#put(path, file);
    return file;
  }

  #put(path: string, node: Node): void {
    const directory = this.#directory(parentOf(path) ?? "");
    directory.children.set(nameOf(path), node);
    directory.modifiedMs = Date.now();
  }
}

function newDirectory(): MemoryDirectory {
  return { type: "directory", children: new Map(), modifiedMs: Date.now() };
}
