// Ratios between contenders of a row, and what they were meant to be.

/**
 * @typedef {object} Comparison
 * @property {string} label
 * @property {string} subject A contender's id or group.
 * @property {string} reference A contender's id or group; of a group the best counts.
 * @property {Target} [target] Without one the ratio is only reported.
 *
 * `times-better`: how many times better the subject is than the reference, at least `factor`.
 * `times-worse`: the other way round, at most `factor`.
 * @typedef {{ measure: "times-better" | "times-worse", factor: number }} Target
 *
 * @typedef {object} Judged
 * @property {string} label
 * @property {string} against The label of the contender compared with.
 * @property {"times-better" | "times-worse"} measure
 * @property {number | undefined} ratio undefined when one of the two was skipped
 * @property {number | undefined} target
 * @property {"met" | "missed" | "reported" | "skipped"} outcome
 * @property {number | undefined} missedBy The share of the target that is lacking.
 */

/**
 * @param {import("./rounds.mjs").Row} row
 * @param {import("./rounds.mjs").Result[]} results
 * @returns {Judged[]}
 */
export function judge({ comparisons, unit }, results) {
  return comparisons.map(({ label, subject, reference, target }) => {
    const left = best(results, subject, unit.better);
    const right = best(results, reference, unit.better);
    const measure = target?.measure ?? "times-better";
    const against = right?.spec.label ?? reference;
    const base = { label, against, measure, target: target?.factor };
    if (!left?.summary || !right?.summary) {
      return { ...base, ratio: undefined, outcome: "skipped", missedBy: undefined };
    }
    const quotient = left.summary.median / right.summary.median;
    const timesBetter = unit.better === "higher" ? quotient : 1 / quotient;
    const ratio = measure === "times-better" ? timesBetter : 1 / timesBetter;
    if (!target) return { ...base, ratio, outcome: "reported", missedBy: undefined };
    const missedBy =
      measure === "times-better" ? 1 - ratio / target.factor : ratio / target.factor - 1;
    const isMet = missedBy <= 0;
    return {
      ...base,
      ratio,
      outcome: isMet ? "met" : "missed",
      missedBy: isMet ? undefined : missedBy,
    };
  });
}

/**
 * @param {import("./rounds.mjs").Result[]} results
 * @param {string} name
 * @param {"lower" | "higher"} better
 */
function best(results, name, better) {
  const sign = better === "lower" ? 1 : -1;
  return results
    .filter(({ spec, summary }) => summary && (spec.id === name || spec.group === name))
    .toSorted((left, right) => sign * (medianOf(left) - medianOf(right)))[0];
}

/** @param {import("./rounds.mjs").Result} result */
function medianOf({ summary }) {
  return summary?.median ?? Number.NaN;
}
