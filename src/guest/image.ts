/**
 * The golden image: a booted sandbox's memory, photographed, and copied back to make a used
 * sandbox new. Everything the engine knows lives in that memory, so nothing of a run survives.
 */
import type { Address } from "./engine.ts";
import { type Anchors, ARGUMENT_SLOTS, INPUT_BYTES, type Sandbox } from "./sandbox.ts";
import type { EngineFacts } from "./calibrate.ts";
import { VALUE_BYTES } from "./marshal/heap-layout.ts";
import { eachWrittenPage, forgetWrites, noteWrite, WRITTEN_PAGE_BYTES } from "./written-pages.ts";

/** Images are kept and copied in blocks of this size; blocks of zeros are not kept. */
const BLOCK_BYTES = 4096;

/** A stretch of memory that is not all zeros. */
interface Segment {
  start: Address;
  bytes: Uint8Array;
}

/** What a sandbox's memory must be like for a run to start. */
export interface Image {
  segments: Segment[];
  /** Stretches inside the heap that are all zeros. */
  gaps: { start: Address; end: Address }[];
  /** Where the heap ends; a sandbox's memory beyond it is zeros. */
  heapEnd: Address;
  anchors: Anchors;
  /** Bytes kept: the cost of a reset, where the engine does not note its writes. */
  bytes: number;
}

/** Photographs a sandbox. No guest code may be running: the engine's stack is not part of it. */
export function captureImage(sandbox: Sandbox, facts: EngineFacts): Image {
  const memory = sandbox.heap.bytes;
  const heapEnd = facts.heapEnd(sandbox);
  const segments: Segment[] = [];
  const gaps: { start: Address; end: Address }[] = [];
  let bytes = 0;
  const keep = (start: Address, end: Address) => {
    segments.push({ start, bytes: memory.slice(start, end) });
    bytes += end - start;
  };
  // Below the stack: the engine's static data. Above it: the heap.
  forEachRun(memory, 0, facts.stackStart, (start, end, zero) => {
    if (!zero) keep(start, end);
    else gaps.push({ start, end });
  });
  forEachRun(memory, facts.heapStart, heapEnd, (start, end, zero) => {
    if (!zero) keep(start, end);
    else gaps.push({ start, end });
  });
  const { anchors } = sandbox;
  return {
    segments,
    gaps,
    heapEnd,
    bytes,
    anchors: { ...anchors, helpers: { ...anchors.helpers }, functions: new Map(anchors.functions) },
  };
}

/**
 * Makes a sandbox what the image shows, whatever it was before: copies the image back and zeros
 * the rest up to the heap's high-water mark. What must differ from run to run is renewed.
 */
export function restoreImage(sandbox: Sandbox, image: Image, facts: EngineFacts): void {
  const { heap, instance } = sandbox;
  if (heap.bytes.length < image.heapEnd) growTo(sandbox, image.heapEnd, facts);
  const used = facts.heapEnd(sandbox);
  const memory = heap.bytes;
  const { tracksWrites } = instance;
  if (tracksWrites && sandbox.madeFrom === image) restoreWrittenPages(sandbox, image, facts);
  else {
    for (const { start, bytes } of image.segments) memory.set(bytes, start);
    for (const { start, end } of image.gaps) memory.fill(0, start, end);
    sandbox.madeFrom = image;
  }
  if (tracksWrites) forgetWrites(memory);
  if (used > image.heapEnd) clearHeap(memory, image.heapEnd, used, sandbox.ballast);
  sandbox.ballast = { start: 0, end: 0 };
  instance.growthRefused = false;
  sandbox.adopt(image.anchors);
  facts.clearStackWatch(sandbox);
  facts.reseed(sandbox);
}

/** Copies back the pages that were written since the sandbox was made from this same image. */
function restoreWrittenPages(sandbox: Sandbox, image: Image, facts: EngineFacts): void {
  const memory = sandbox.heap.bytes;
  eachChangedPage(sandbox, image, facts, (start, source) => {
    if (source === undefined) memory.fill(0, start, start + WRITTEN_PAGE_BYTES);
    else memory.set(source, start);
  });
}

/**
 * Visits the pages of the image's extent that may differ from it, in a sandbox that was made from
 * it and tracks writes; with what the image has there, undefined for zeros.
 */
export function eachChangedPage(
  sandbox: Sandbox,
  image: Image,
  facts: EngineFacts,
  visit: (start: Address, source: Uint8Array | undefined) => void,
): void {
  const pages = pagesOf(image);
  const memory = sandbox.heap.bytes;
  // The host writes to fixed places, and to blocks that are noted when it allocates them.
  const { argumentValues, argumentPointers, input, context, contextOut } = image.anchors;
  noteWrite(memory, argumentValues, ARGUMENT_SLOTS * VALUE_BYTES);
  noteWrite(memory, argumentPointers, ARGUMENT_SLOTS * 4);
  noteWrite(memory, input, INPUT_BYTES);
  noteWrite(memory, context, WRITTEN_PAGE_BYTES);
  noteWrite(memory, contextOut, 4);
  // The engine's JavaScript part writes to its static data (time zones and the like).
  noteWrite(memory, 0, facts.stackStart);
  const firstOfStack = facts.stackStart / WRITTEN_PAGE_BYTES;
  const firstOfHeap = Math.floor(facts.heapStart / WRITTEN_PAGE_BYTES);
  eachWrittenPage(memory, image.heapEnd, (page) => {
    if (page >= firstOfStack && page < firstOfHeap) return;
    visit(page * WRITTEN_PAGE_BYTES, pages[page]);
  });
}

/** Images by page; nothing for pages of zeros. Made when the first sandbox needs them. */
const pagesOfImages = /*#__PURE__*/ new WeakMap<Image, (Uint8Array | undefined)[]>();

function pagesOf(image: Image): (Uint8Array | undefined)[] {
  const known = pagesOfImages.get(image);
  if (known) return known;
  const pages: (Uint8Array | undefined)[] = [];
  for (const { start, bytes } of image.segments) {
    for (let at = start; at < start + bytes.length;) {
      const page = Math.floor(at / WRITTEN_PAGE_BYTES);
      const end = Math.min(start + bytes.length, (page + 1) * WRITTEN_PAGE_BYTES);
      const part = bytes.subarray(at - start, end - start);
      if (part.length === WRITTEN_PAGE_BYTES) pages[page] = part;
      else {
        const whole = (pages[page] ??= new Uint8Array(WRITTEN_PAGE_BYTES));
        whole.set(part, at - page * WRITTEN_PAGE_BYTES);
      }
      at = end;
    }
  }
  pagesOfImages.set(image, pages);
  return pages;
}

/** Zeros what a run may have written; the ballast it cannot have, only its header was written. */
function clearHeap(
  memory: Uint8Array,
  start: Address,
  end: Address,
  ballast: { start: Address; end: Address },
): void {
  if (ballast.start < start || ballast.start === 0) {
    memory.fill(0, start, end);
    return;
  }
  memory.fill(0, start, ballast.start);
  memory.fill(0, ballast.end, end);
}

/** Grows a sandbox's memory through the engine: growing from outside would leave its own code with detached views. */
export function growTo(sandbox: Sandbox, end: Address, facts: EngineFacts): void {
  const { instance } = sandbox;
  const missing = end - facts.heapEnd(sandbox);
  const block = instance.malloc(missing + BLOCK_BYTES);
  if (block === 0)
    throw new Error(`The sandbox cannot grow by ${missing} bytes to take its image.`);
  instance.free(block);
}

/** Splits `start..end` into runs of blocks that are all zeros and runs that are not. */
function forEachRun(
  memory: Uint8Array,
  start: Address,
  end: Address,
  visit: (start: Address, end: Address, zero: boolean) => void,
): void {
  const words = new Uint32Array(memory.buffer);
  let runStart = start;
  let runZero: boolean | undefined;
  for (let at = start; at < end;) {
    const blockEnd = Math.min(end, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES);
    let zero = true;
    for (let word = at >>> 2; word < blockEnd >>> 2; word++) {
      if (words[word] !== 0) {
        zero = false;
        break;
      }
    }
    if (runZero !== undefined && zero !== runZero) {
      visit(runStart, at, runZero);
      runStart = at;
    }
    runZero = zero;
    at = blockEnd;
  }
  if (runZero !== undefined) visit(runStart, end, runZero);
}
