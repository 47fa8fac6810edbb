/** Which worker gets a run. */
import type { Run } from "./run.ts";
import type { WorkerLink } from "./worker-link.ts";

export class Scheduler {
  /** Whether runs belong to keys; from the first one on that does. */
  isShared = false;
  readonly #links: WorkerLink[] = [];
  /** Reused for every choice. */
  readonly #eligible: WorkerLink[] = [];
  #cursor = 0;

  /** Workers that take runs, in ascending order of their ids. */
  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** Lets a worker take runs. */
  add(link: WorkerLink): void {
    if (this.#links.includes(link)) return;
    this.#links.push(link);
    this.#links.sort((left, right) => left.workerId - right.workerId);
  }

  /** Sends a worker nothing new. */
  remove(link: WorkerLink): void {
    const index = this.#links.indexOf(link);
    if (index >= 0) this.#links.splice(index, 1);
  }

  /** The worker to send a run to, or undefined when none has room. */
  choose(run: Run): WorkerLink | undefined {
    const eligible = this.#eligible;
    eligible.length = 0;
    for (const link of this.#links) {
      if (link.hasRoom(this.isShared) && link.revision >= run.requiredRevision) eligible.push(link);
    }
    const choice = chooseCandidate(eligible, this.#cursor);
    if (choice === undefined) return undefined;
    this.#cursor = choice.cursor;
    return eligible[choice.index];
  }
}
/** What the choice depends on. */
export interface Candidate {
  /** Runs sent to it that have not settled. */
  readonly inFlightCount: number;
}

/** The chosen candidate's index, and where the next scan starts. */
export interface Choice {
  index: number;
  cursor: number;
}

/**
 * The least loaded of the eligible candidates, given in ascending order of their ids. Equals take
 * turns: the scan starts at `cursor` and takes the first one at the minimum.
 */
export function chooseCandidate(
  eligible: readonly Candidate[],
  cursor: number,
): Choice | undefined {
  const count = eligible.length;
  if (count === 0) return undefined;
  const start = cursor % count;
  let index = start;
  let least = eligible[start]?.inFlightCount ?? 0;
  for (let step = 1; step < count; step++) {
    const at = (start + step) % count;
    const load = eligible[at]?.inFlightCount ?? 0;
    if (load < least) {
      least = load;
      index = at;
    }
  }
  return { index, cursor: (index + 1) % count };
}
