/**
 * Facts about an engine build that no interface tells: found out at start-up by watching what the
 * engine does to its own memory. Nothing here is assumed; what cannot be found refuses to start.
 */
import type { Address, Engine, EngineInstance } from "./engine.ts";
import type { Sandbox } from "./sandbox.ts";
import { RuntimeLayout, VALUE_BYTES } from "./marshal/heap-layout.ts";

/** What is found out: addresses in any instance of one engine build. */
export interface EngineLayout {
  /** The stack ends and the heap begins here. */
  heapStart: Address;
  /** Holds the heap's high-water mark. */
  breakWord: Address;
}

/** How to use what was found out. */
export interface EngineFacts {
  /** What these facts follow from. */
  layout: EngineLayout;
  /** The engine's static data ends before this address. */
  stackStart: Address;
  /** The stack ends and the heap begins here. */
  heapStart: Address;
  /** The heap's high-water mark: no byte above it was ever used. */
  heapEnd(sandbox: Sandbox): Address;
  /** Gives the sandbox's Math.random a sequence of its own. */
  reseed(sandbox: Sandbox): void;
  /** Forgets how deep the stack was. */
  clearStackWatch(sandbox: Sandbox): void;
  /** Whether guest code came close to the stack limit since the watch was cleared. */
  stackWasExhausted(sandbox: Sandbox): boolean;
}

/** Static data ends before this, and the stack, which begins behind it, never grows down to it. */
const STATIC_BYTES = 131_072;
const PROBE_BYTES = 300_000;
/** How far above the newest block the break may be. */
const BREAK_SLACK = 70_000;
/** Just above the stack limit; written only by code that goes that deep. */
const STACK_WATCH_BYTES = 4096;

export async function calibrate(engine: Engine): Promise<EngineFacts> {
  const instance = await engine.instantiate(256);
  return engineFacts({ heapStart: findHeapStart(instance), breakWord: findBreak(instance) });
}

/** The facts about an engine build whose layout is known. */
export function engineFacts(layout: EngineLayout): EngineFacts {
  const { heapStart, breakWord } = layout;
  const nextSeed = createSeeder();
  return {
    layout,
    stackStart: STATIC_BYTES,
    heapStart,
    // The word is the sandbox's own: what a forged session says there is not believed.
    heapEnd: ({ heap }) => Math.min(heap.words[breakWord / 4] ?? 0, heap.bytes.length),
    reseed(sandbox) {
      const { words } = sandbox.heap;
      const state = (sandbox.anchors.context + RANDOM_STATE_OFFSET) / 4;
      words[state] = nextSeed() | 1;
      words[state + 1] = nextSeed();
    },
    clearStackWatch(sandbox) {
      const limit = stackLimitOf(sandbox);
      sandbox.heap.bytes.fill(0, limit, limit + STACK_WATCH_BYTES);
    },
    stackWasExhausted(sandbox) {
      const limit = stackLimitOf(sandbox);
      const words = new Uint32Array(sandbox.instance.memory.buffer, limit, STACK_WATCH_BYTES / 4);
      return words.some((word) => word !== 0);
    },
  };
}

function stackLimitOf(sandbox: Sandbox): Address {
  sandbox.heap.refresh();
  return (sandbox.stackLimit + 3) & ~3;
}

/** The heap follows the stack, of which a new runtime notes the top. */
function findHeapStart(instance: EngineInstance): Address {
  const runtime = instance.exports.QTS_NewRuntime();
  const top = new Uint32Array(instance.memory.buffer)[(runtime + RuntimeLayout.stackTop) / 4] ?? 0;
  if (top <= STATIC_BYTES || top > runtime) {
    throw new Error("The engine's heap start was not found: this engine build is not supported.");
  }
  return top & ~0xf;
}

/** The word that follows the heap's end: of all that move with a new block, the highest value. */
function findBreak(instance: EngineInstance): Address {
  let candidates: number[] = [];
  for (let round = 0; round < 4; round++) {
    const end = instance.malloc(PROBE_BYTES) + PROBE_BYTES;
    const words = new Uint32Array(instance.memory.buffer, 0, STATIC_BYTES / 4);
    const follows = (index: number): boolean => {
      const word = words[index] ?? 0;
      return word >= end && word < end + BREAK_SLACK;
    };
    // All words once, and then those that followed.
    candidates = round === 0 ? indexesOf(words, follows) : candidates.filter(follows);
  }
  const words = new Uint32Array(instance.memory.buffer, 0, STATIC_BYTES / 4);
  let best: number | undefined;
  for (const index of candidates) {
    if (best === undefined || (words[index] ?? 0) > (words[best] ?? 0)) best = index;
  }
  if (best === undefined)
    throw new Error("The engine's heap end was not found: this engine build is not supported.");
  return best * 4;
}

function indexesOf(words: Uint32Array, accept: (index: number) => boolean): number[] {
  const found: number[] = [];
  for (let index = 0; index < words.length; index++) if (accept(index)) found.push(index);
  return found;
}

/** Where a context keeps the state of Math.random: 8 bytes, never all zeros. */
const RANDOM_STATE_OFFSET = 224;

const SEEDS_AT_ONCE = 1024;

/** Random words, fetched in bulk: asking the platform for a few bytes at a time costs more than a run. */
function createSeeder(): () => number {
  const seeds = new Uint32Array(SEEDS_AT_ONCE);
  let used = seeds.length;
  return () => {
    if (used === seeds.length) {
      crypto.getRandomValues(seeds);
      used = 0;
    }
    const seed = seeds[used] ?? 0;
    // Spent seeds are not kept: they would tell what a sandbox draws.
    seeds[used++] = 0;
    return seed;
  };
}

/**
 * Whether the random state is where it is reseeded: the guest's next number must be the
 * one that state yields (xorshift64*).
 */
export function randomStateFound(sandbox: Sandbox, drawn: number): boolean {
  const view = new DataView(sandbox.instance.memory.buffer);
  const state = view.getBigUint64(sandbox.anchors.context + RANDOM_STATE_OFFSET, true);
  const mixed = BigInt.asUintN(64, state * 0x2545_f491_4f6c_dd1dn);
  const scratch = new DataView(new ArrayBuffer(VALUE_BYTES));
  scratch.setBigUint64(0, (0x3ffn << 52n) | (mixed >> 12n));
  return scratch.getFloat64(0) - 1 === drawn;
}
