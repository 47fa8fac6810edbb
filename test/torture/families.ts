/** The families in the order of the threat table. */
import type { Family } from "./vector.ts";
import { hostObjectLeak } from "./families/host-object-leak.ts";
import { prototypePollution } from "./families/prototype-pollution.ts";
import { memoryBomb } from "./families/memory-bomb.ts";
import { unpolledNatives } from "./families/unpolled-natives.ts";
import { stackBombs } from "./families/stack-bombs.ts";
import { microtaskStorm } from "./families/microtask-storm.ts";
import { swallowedInterrupts } from "./families/swallowed-interrupts.ts";
import { hooksDuringMarshalling } from "./families/hooks-during-marshalling.ts";

export const FAMILIES: Family[] = [
  hostObjectLeak,
  prototypePollution,
  memoryBomb,
  unpolledNatives,
  stackBombs,
  microtaskStorm,
  swallowedInterrupts,
  hooksDuringMarshalling,
];
