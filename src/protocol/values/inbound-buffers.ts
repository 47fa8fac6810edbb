/** Large buffers of one encoding, which go beside its bytes. */
import { BESIDE_BYTES, NO_BUFFERS } from "../payload.ts";
import { FIXED_LENGTH, MAXIMUM_BESIDE } from "./guest-format.ts";
import { maximumLength } from "./guest-leaves.ts";

export interface BesideSettings {
  /** Large buffers go beside the bytes. */
  beside?: boolean | undefined;
  /** Buffers that need no copy. */
  transfer?: readonly ArrayBuffer[] | undefined;
}

export class BuffersBeside {
  /** How many bytes they have together. */
  byteCount = 0;
  readonly #settings: BesideSettings;
  #buffers: ArrayBuffer[] | undefined;

  constructor(settings: BesideSettings) {
    this.#settings = settings;
  }

  get buffers(): readonly ArrayBuffer[] {
    return this.#buffers ?? NO_BUFFERS;
  }

  /** Whether these bytes of a buffer belong here. */
  takes(bytes: Uint8Array, buffer: ArrayBuffer): boolean {
    return (
      this.#settings.beside === true &&
      bytes.length >= BESIDE_BYTES &&
      this.buffers.length < MAXIMUM_BESIDE &&
      maximumLength(buffer) === FIXED_LENGTH
    );
  }

  /** Takes bytes, and their whole buffer without a copy where that was given up. Returns its number. */
  add(bytes: Uint8Array, whole: ArrayBuffer | undefined): number {
    this.byteCount += bytes.length;
    const isGivenUp = whole !== undefined && this.#settings.transfer?.includes(whole) === true;
    this.#buffers ??= [];
    return this.#buffers.push(isGivenUp ? whole : bytes.slice().buffer) - 1;
  }
}
