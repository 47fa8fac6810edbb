/**
 * A session's state while no worker has it: compressed, and only what differs from another state of
 * the same pool, since most of every sandbox is the same.
 */
import type { SessionState } from "../protocol/control.ts";
import { deflate, inflate, joined } from "./compression.ts";

/** A state as it is kept. */
export interface PackedState {
  state: SessionState;
  /** `state.bytes` as they are kept; undefined while the state is whole. */
  packed?: Packed | undefined;
}

interface Packed {
  /** The pages that are not the base's, compressed. */
  bytes: Uint8Array;
  /** Of each page: whether it is among them. Undefined when all are. */
  differing: Uint8Array | undefined;
  base: Base | undefined;
}

/** Pages are compared and left out whole. */
const PAGE_BYTES = 4096;

/** A state that others are compared with, page by page. */
export class Base {
  readonly #pages = new Map<number, Uint8Array>();

  constructor(
    state: SessionState,
    /** Sessions that began with other definitions have little in common with it. */
    readonly revision: number,
  ) {
    for (const { start, bytes } of pagesOf(state, state.bytes)) this.#pages.set(start, bytes);
  }

  /** What it has at an address. */
  page(start: number): Uint8Array | undefined {
    return this.#pages.get(start);
  }
}

/** How many bytes a state takes as it is kept. */
export function storedBytes({ state, packed }: PackedState): number {
  return packed === undefined ? state.bytes.length : packed.bytes.length;
}

/** A state that takes less memory: all of it compressed, or what a base does not have. */
export async function pack(state: SessionState, base?: Base): Promise<PackedState> {
  if (base === undefined) return packedState(state, state.bytes, undefined, undefined);
  const differing: number[] = [];
  const kept: Uint8Array[] = [];
  for (const { start, bytes } of pagesOf(state, state.bytes)) {
    const isSame = areSame(bytes, base.page(start));
    differing.push(isSame ? 0 : 1);
    if (!isSame) kept.push(bytes);
  }
  return packedState(state, joined(kept), Uint8Array.from(differing), base);
}

async function packedState(
  state: SessionState,
  bytes: Uint8Array,
  differing: Uint8Array | undefined,
  base: Base | undefined,
): Promise<PackedState> {
  const packed = { bytes: await deflate(bytes), differing, base };
  return { state: { ...state, bytes: new Uint8Array(0) }, packed };
}

/** The state as workers take it. */
export async function unpack({ state, packed }: PackedState): Promise<SessionState> {
  if (packed === undefined) return state;
  const size = sizeOf(state);
  if (packed.base === undefined) return { ...state, bytes: await inflate(packed.bytes, size) };
  const bytes = new Uint8Array(size);
  const pages = [...pagesOf(state, bytes)];
  const isOwn = (index: number): boolean => packed.differing?.[index] === 1;
  const ownSize = pages.reduce(
    (sum, page, index) => sum + (isOwn(index) ? page.bytes.length : 0),
    0,
  );
  const own = await inflate(packed.bytes, ownSize);
  let at = 0;
  for (const [index, page] of pages.entries()) {
    const { length } = page.bytes;
    page.bytes.set(
      isOwn(index) ? own.subarray(at, at + length) : (packed.base.page(page.start) ?? []),
    );
    if (isOwn(index)) at += length;
  }
  return { ...state, bytes };
}

/** Bytes of a state's memory that are not all zeros. */
export function sizeOf({ stretches }: Pick<SessionState, "stretches">): number {
  return stretches.reduce((sum, [, length]) => sum + length, 0);
}

/** The parts of a state's pages that are in its stretches, with their addresses. */
function* pagesOf(
  { stretches }: SessionState,
  bytes: Uint8Array,
): Generator<{ start: number; bytes: Uint8Array }> {
  let at = 0;
  for (const [first, length] of stretches) {
    for (let start = first; start < first + length;) {
      const end = Math.min(first + length, (Math.floor(start / PAGE_BYTES) + 1) * PAGE_BYTES);
      yield { start, bytes: bytes.subarray(at, at + end - start) };
      at += end - start;
      start = end;
    }
  }
}

function areSame(left: Uint8Array, right: Uint8Array | undefined): boolean {
  if (right === undefined || left.length !== right.length) return false;
  // Whole words where they are aligned: there are seventy pages in the smallest state.
  if ((left.byteOffset | right.byteOffset | left.length) % 4 !== 0) {
    return left.every((byte, index) => byte === right[index]);
  }
  const count = left.length / 4;
  const leftWords = new Uint32Array(left.buffer, left.byteOffset, count);
  const rightWords = new Uint32Array(right.buffer, right.byteOffset, count);
  for (let index = 0; index < count; index++) {
    if (leftWords[index] !== rightWords[index]) return false;
  }
  return true;
}
