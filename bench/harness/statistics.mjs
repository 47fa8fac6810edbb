/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} low The lower quartile.
 * @property {number} high The upper quartile.
 * @property {number[]} rounds
 */

/**
 * @param {readonly number[]} rounds
 * @returns {Summary}
 */
export function summarize(rounds) {
  const sorted = rounds.toSorted((left, right) => left - right);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    rounds: [...rounds],
  };
}

/**
 * @param {readonly number[]} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
