/**
 * A waiting sandbox's memory, put away so that its instance can serve others meanwhile: only what
 * differs from its image is kept. A new instance would take a millisecond or more, and about as
 * much memory for each run that waits as the whole image.
 */
import type { EngineFacts } from "./calibrate.ts";
import type { Address } from "./engine.ts";
import { eachChangedPage, growTo, type Image, restoreImage } from "./image.ts";
import type { Anchors, Sandbox } from "./sandbox.ts";
import { noteWrite, WRITTEN_PAGE_BYTES } from "./written-pages.ts";

/** Memory is compared and kept in blocks of this size. */
const BLOCK_BYTES = 1024;

/** What a sandbox was like when it was put away. */
export interface Stowed {
  image: Image;
  /** Of the instance it was in; another must have as many. */
  maximumPages: number;
  /** Where each block that differs from the image begins. */
  starts: Uint32Array;
  /** The blocks, one after the other. */
  bytes: Uint8Array;
  heapEnd: Address;
  anchors: Anchors;
  ballast: { start: Address; end: Address };
  growthRefused: boolean;
}

/** Puts a sandbox's state away. No guest code may be running in it. */
export function stow(sandbox: Sandbox, image: Image, facts: EngineFacts): Stowed {
  const { heap, ballast } = sandbox;
  heap.refresh();
  const heapEnd = facts.heapEnd(sandbox);
  const starts: Address[] = [];
  if (sandbox.instance.tracksWrites && sandbox.madeFrom === image) {
    eachChangedPage(sandbox, image, facts, (start, source) => {
      if (source) differing(heap.words, start, source, starts);
      else notZero(heap.words, start, start + WRITTEN_PAGE_BYTES, starts);
    });
  } else {
    for (const { start, bytes } of image.segments) differing(heap.words, start, bytes, starts);
    for (const { start, end } of image.gaps) notZero(heap.words, start, end, starts);
  }
  // Nobody writes to a ballast: only around it is anything to be found.
  const middle = ballast.start === 0 ? heapEnd : ballast.start;
  notZero(heap.words, image.heapEnd, middle, starts);
  notZero(heap.words, Math.max(middle, ballast.end), heapEnd, starts);
  const bytes = new Uint8Array(starts.length * BLOCK_BYTES);
  for (const [index, start] of starts.entries()) {
    bytes.set(heap.bytes.subarray(start, start + BLOCK_BYTES), index * BLOCK_BYTES);
  }
  const { maximumPages, instance, anchors } = sandbox;
  const { growthRefused } = instance;
  const at = Uint32Array.from(starts);
  return { image, maximumPages, starts: at, bytes, heapEnd, anchors, ballast, growthRefused };
}

/** Makes a sandbox what another, or itself, was when it was put away. */
export function unstow(sandbox: Sandbox, stowed: Stowed, facts: EngineFacts): void {
  if (sandbox.heap.bytes.length < stowed.heapEnd) growTo(sandbox, stowed.heapEnd, facts);
  restoreImage(sandbox, stowed.image, facts);
  const { bytes: memory } = sandbox.heap;
  const { starts, bytes } = stowed;
  for (const [index, start] of starts.entries()) {
    const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    // The last block may reach beyond the memory's end; there is nothing in it from there on.
    memory.set(
      start + BLOCK_BYTES <= memory.length ? block : block.subarray(0, memory.length - start),
      start,
    );
  }
  if (sandbox.instance.tracksWrites) {
    for (const start of starts) noteWrite(memory, start, BLOCK_BYTES);
  }
  // A session may have come from an image that is not the one it is compared with by now.
  sandbox.adopt(stowed.anchors);
  sandbox.ballast = stowed.ballast;
  sandbox.instance.growthRefused = stowed.growthRefused;
}

/** Notes the blocks of `start...` whose words are not those of the image. */
function differing(words: Uint32Array, start: Address, image: Uint8Array, starts: Address[]): void {
  const expected = new Uint32Array(image.buffer, image.byteOffset, image.length >>> 2);
  const offset = start >>> 2;
  const blockWords = BLOCK_BYTES >>> 2;
  for (let from = 0; from < expected.length; from += blockWords) {
    const to = Math.min(from + blockWords, expected.length);
    for (let at = from; at < to; at++) {
      if (words[offset + at] === expected[at]) continue;
      starts.push(start + from * 4);
      break;
    }
  }
}

/** Notes the blocks between two addresses that are not all zeros. */
function notZero(words: Uint32Array, start: Address, end: Address, starts: Address[]): void {
  const last = Math.ceil(end / 4);
  const blockWords = BLOCK_BYTES >>> 2;
  for (let from = start >>> 2; from < last; from += blockWords) {
    const to = Math.min(from + blockWords, last);
    for (let at = from; at < to; at++) {
      if (words[at] === 0) continue;
      starts.push(from * 4);
      break;
    }
  }
}
