/** What the engine's format cannot say: links beside the values, and the values that they lead to. */
import type { ByteWriter } from "../bytes.ts";
import type { LinkKind } from "./guest-format.ts";
import { writeNumber, writeString } from "./guest-leaves.ts";
import { type Key, nameOf, type Place } from "./places.ts";

export type Kind = (typeof LinkKind)[keyof typeof LinkKind];

/** Values that are encoded apart from the others, and reached by links. */
export interface ApartValues {
  values: readonly unknown[];
  place: Place;
  names: string[] | undefined;
  /** Set for the one object of an entry whose levels go on: its own place, and how deep it is. */
  deep?: { place: Place; depth: number };
}

export class InboundLinks {
  /** Grows while its entries are encoded. */
  readonly apart: ApartValues[] = [];
  readonly #keys: Key[] = [];

  /** How many numbers and names the links are. */
  get length(): number {
    return this.#keys.length;
  }

  /** A link: the place it fills, its kind, and what that kind needs. */
  add(place: Place, kind: Kind, ...fields: Key[]): void {
    this.path(place);
    this.#keys.push(kind, ...fields);
  }

  /** The way to a place, from the root: for the one that a link fills, or one it leads to. */
  path(place: Place): void {
    const at = this.#keys.length;
    this.#keys.push(0);
    const keys: Key[] = [];
    for (let step: Place | undefined = place; step; step = step.holder) keys.push(step.key);
    this.#keys[at] = keys.length;
    for (let index = keys.length - 1; index >= 0; index--) this.#keys.push(keys[index] as Key);
  }

  /** Fills a place with what is made of `values`, which are encoded apart. */
  addApart(place: Place, kind: Kind, values: readonly unknown[], names: string[]): void {
    this.add(place, kind, this.apart.length);
    this.apart.push({ values, place: this.#entryNamed(place), names });
  }

  /** Has an object's levels go on apart. Returns where it will be. */
  deepen(value: object, place: Place, depth: number): Place {
    const around = this.#entryNamed(place);
    const inside: Place = { holder: around, key: 0, namedIn: around, name: "" };
    this.apart.push({
      values: [value],
      place: around,
      names: undefined,
      deep: { place: inside, depth },
    });
    return inside;
  }

  /** Where the next entry among what is apart will be. */
  nextEntry(): Place {
    const all: Place = { holder: undefined, key: 1, namedIn: undefined, name: "" };
    return { holder: all, key: this.apart.length, namedIn: undefined, name: "" };
  }

  #entryNamed(place: Place): Place {
    return { ...this.nextEntry(), namedIn: place.namedIn, name: nameOf(place) };
  }

  write(out: ByteWriter): void {
    out.varint(this.#keys.length);
    for (const key of this.#keys) {
      if (typeof key === "string") writeString(out, key);
      else writeNumber(out, key);
    }
  }
}
