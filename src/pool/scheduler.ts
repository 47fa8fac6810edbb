/** Who runs next: a pure choice. */

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
