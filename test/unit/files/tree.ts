/** Files as tests use them: a volume, and a plain model of the same. */
import { BaseVolume } from "../../../dist/files/base.js";
import type { FileBackend, Volume } from "../../../dist/files/volume.js";
import * as operations from "../../../dist/files/operations.js";
import { Quota } from "../../../dist/files/quota.js";
import { type Steps, Turns } from "../../../dist/files/steps.js";

/** A volume with the operations of Node, by path below the mount. */
export class Tree {
  readonly turns = new Turns();
  constructor(readonly volume: Volume) {}

  static on(backend: FileBackend, maxBytes = 1e9, maxFiles = 1e6): { tree: Tree; quota: Quota } {
    const quota = new Quota({ maxBytes, maxFiles }, { bytes: 0, files: 0 });
    return { tree: new Tree(new BaseVolume(backend, quota)), quota };
  }

  async #do<Result>(
    inside: string,
    act: (target: operations.Target) => Steps<Result>,
  ): Promise<Result> {
    return this.turns.perform(act({ inside, path: `/data/${inside}`, syscall: "test" }));
  }

  async read(path: string): Promise<string> {
    const bytes = await this.#do(path, (at) => operations.read(this.volume, at, 0, 1e9));
    return new TextDecoder().decode(bytes);
  }
  async put(path: string, text: string): Promise<void> {
    const flags = { creates: true, exclusive: false, truncates: true };
    await this.#do(path, (at) => operations.open(this.volume, at, flags));
    await this.writeAt(path, 0, text);
  }
  writeAt(path: string, position: number, text: string): Promise<number> {
    const bytes = new TextEncoder().encode(text);
    return this.#do(path, (at) => operations.write(this.volume, at, position, bytes));
  }
  append(path: string, text: string): Promise<number> {
    const bytes = new TextEncoder().encode(text);
    return this.#do(path, (at) => operations.append(this.volume, at, bytes));
  }
  mkdir(path: string, recursive = false): Promise<void> {
    return this.#do(path, (at) => operations.makeDirectory(this.volume, at, recursive));
  }
  rm(path: string, recursive = false): Promise<void> {
    const options = { recursive, force: false, directories: true };
    return this.#do(path, (at) => operations.remove(this.volume, at, options));
  }
  rename(from: string, to: string): Promise<number> {
    const target = { inside: to, path: `/data/${to}`, syscall: "test" };
    return this.#do(from, (at) => operations.rename(this.volume, at, target));
  }
  copy(from: string, to: string): Promise<number> {
    const target = { inside: to, path: `/data/${to}`, syscall: "test" };
    return this.#do(from, (at) => operations.copy(this.volume, at, target, false));
  }

  /** Every file's text and every directory, by path. */
  async contents(): Promise<Record<string, string | null>> {
    const found: Record<string, string | null> = {};
    const entries = await this.#do("", (at) => operations.listAll(this.volume, at));
    for (const { name, type } of entries) {
      found[name] = type === "directory" ? null : await this.read(name);
    }
    return found;
  }

  /** What a change came to: its error's code, or nothing. */
  async outcome(change: Promise<unknown>): Promise<string | undefined> {
    try {
      await change;
      return undefined;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      return code;
    }
  }
}
