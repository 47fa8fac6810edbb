/** The files beside a script, read when something imports them. */
import { readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";

/** Texts by place under a folder, such as `./lib/a.js`. Nothing leads out, symbolic links neither. */
export class DiskFiles {
  readonly #folder: string;
  readonly #texts = new Map<string, string | undefined>();

  constructor(folder: string) {
    this.#folder = realpathSync(folder);
  }

  has(place: string): boolean {
    return this.get(place) !== undefined;
  }

  get(place: string): string | undefined {
    if (!this.#texts.has(place)) this.#texts.set(place, this.#read(place));
    return this.#texts.get(place);
  }

  #read(place: string): string | undefined {
    try {
      const file = realpathSync(join(this.#folder, place));
      const isInside = file.startsWith(
        this.#folder.endsWith(sep) ? this.#folder : this.#folder + sep,
      );
      return isInside ? readFileSync(file, "utf8") : undefined;
    } catch {
      // Not there, or a folder: what an import means is tried by several names.
      return undefined;
    }
  }
}
