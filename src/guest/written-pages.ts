/**
 * Which pages of a sandbox's memory were written since it was last made new. The tracking build of
 * the engine notes its own writes (scripts/track-writes.mjs puts that into it); the host's are
 * noted here.
 */
import type { Address, EngineInstance } from "./engine.ts";

export const WRITTEN_PAGE_BYTES = 4096;
const PAGE_SHIFT = 12;
/** A byte per page, below the stack, in memory that the engine never uses. */
const TABLE = 0x40000;

/** Whether the engine notes what it writes: releasing a block writes to it. */
export function notesWrites({ memory, malloc, free }: EngineInstance): boolean {
  const block = malloc(WRITTEN_PAGE_BYTES);
  forgetWrites(new Uint8Array(memory.buffer));
  free(block);
  return new Uint8Array(memory.buffer)[TABLE + (block >>> PAGE_SHIFT)] === 1;
}

/** Forgets what was written. */
export function forgetWrites(memory: Uint8Array): void {
  memory.fill(0, TABLE, TABLE + (memory.length >>> PAGE_SHIFT));
}

/** Notes that the host may have written these bytes. */
export function noteWrite(memory: Uint8Array, start: Address, count: number): void {
  if (count === 0) return;
  const last = (start + count - 1) >>> PAGE_SHIFT;
  // Mostly one page or two: a call of fill() costs more.
  for (let page = start >>> PAGE_SHIFT; page <= last; page++) memory[TABLE + page] = 1;
}

/** Calls `visit` for each page below `end` that was written. */
export function eachWrittenPage(
  memory: Uint8Array,
  end: Address,
  visit: (page: number) => void,
): void {
  const pages = Math.ceil(end / WRITTEN_PAGE_BYTES);
  // Mostly zeros: eight pages are looked at at once. A note is 0 or 1, which is never -0 or NaN.
  const eights = new Float64Array(memory.buffer, TABLE, Math.ceil(pages / 8));
  for (let eight = 0; eight < eights.length; eight++) {
    if (eights[eight] === 0) continue;
    for (let page = eight * 8; page < eight * 8 + 8; page++) {
      if (memory[TABLE + page] !== 0) visit(page);
    }
  }
}
