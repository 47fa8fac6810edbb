/** The families in the order of the threat table. */
import type { Family } from "./vector.ts";
import { hostObjectLeak } from "./families/host-object-leak.ts";
import { prototypePollution } from "./families/prototype-pollution.ts";
import { memoryBomb } from "./families/memory-bomb.ts";

export const FAMILIES: Family[] = [hostObjectLeak, prototypePollution, memoryBomb];
