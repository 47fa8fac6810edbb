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
import { thenableTrap } from "./families/thenable-trap.ts";
import { resultBombs } from "./families/result-bombs.ts";
import { brandSpoofing } from "./families/brand-spoofing.ts";
import { intrinsicPoisoning } from "./families/intrinsic-poisoning.ts";
import { residueBetweenRuns } from "./families/residue-between-runs.ts";
import { residueOfSessions } from "./families/residue-of-sessions.ts";
import { forgedImages } from "./families/forged-images.ts";
import { lateReplies } from "./families/late-replies.ts";
import { forgedProtocol } from "./families/forged-protocol.ts";
import { logFlood } from "./families/log-flood.ts";
import { errorForgery } from "./families/error-forgery.ts";
import { capabilityAbuse } from "./families/capability-abuse.ts";
import { fileEscape } from "./families/file-escape.ts";
import { fileBombs } from "./families/file-bombs.ts";
import { networkEscape } from "./families/network-escape.ts";
import { networkRefusals } from "./families/network-refusals.ts";
import { networkRequests } from "./families/network-requests.ts";
import { dependencyConfusion } from "./families/dependency-confusion.ts";
import { workerSabotage } from "./families/worker-sabotage.ts";
import { limits } from "./families/limits.ts";
import { limitsSpent } from "./families/limits-spent.ts";

export const FAMILIES: Family[] = [
  hostObjectLeak,
  prototypePollution,
  memoryBomb,
  unpolledNatives,
  stackBombs,
  microtaskStorm,
  swallowedInterrupts,
  hooksDuringMarshalling,
  thenableTrap,
  resultBombs,
  brandSpoofing,
  intrinsicPoisoning,
  residueBetweenRuns,
  residueOfSessions,
  forgedImages,
  lateReplies,
  forgedProtocol,
  logFlood,
  errorForgery,
  capabilityAbuse,
  fileEscape,
  fileBombs,
  networkEscape,
  networkRefusals,
  networkRequests,
  dependencyConfusion,
  workerSabotage,
  limits,
  limitsSpent,
];
