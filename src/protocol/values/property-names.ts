/** The names of properties in one encoding: each is written once, and stands elsewhere by its number. */
import type { ByteWriter } from "../bytes.ts";
import { arrayIndex } from "./guest-leaves.ts";

/** The names of an object's properties in their order, with what stands for each in the bytes. */
export interface NameSequence {
  names: string[];
  numbers: number[];
}

export class PropertyNames {
  /** How many characters the names have together. */
  characters = 0;
  readonly #atoms = new Map<string, number>();
  /** The last object's at each depth: the rows of a table have the same names in the same order. */
  readonly #sequences: NameSequence[] = [];

  /** The names that the last object had at this depth, to be kept up to date by who writes the next. */
  lastAt(depth: number): NameSequence {
    return (this.#sequences[depth] ??= { names: [], numbers: [] });
  }

  /** What stands for a name in the bytes: the lowest bit tells an array index from others. */
  numberOf(name: string): number {
    const index = arrayIndex(name);
    if (index >= 0) return index * 2 + 1;
    let atom = this.#atoms.get(name);
    if (atom === undefined) {
      atom = this.#atoms.size + 1;
      this.#atoms.set(name, atom);
      this.characters += name.length;
    }
    return atom * 2;
  }

  /** Writes how many there are, and each. */
  write(out: ByteWriter): void {
    out.varint(this.#atoms.size);
    for (const name of this.#atoms.keys()) out.string(name);
  }
}
