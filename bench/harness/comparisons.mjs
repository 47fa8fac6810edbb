// What a row's figures are compared with, and what they were meant to be.

/**
 * @typedef {object} Comparison
 * @property {string} label
 * @property {string} subject A contender's id or group.
 * @property {string} [reference] A contender's id or group; of a group the best counts.
 * @property {Target} [target] Without one the ratio is only reported.
 *
 * `times-better`: how many times better the subject is than the reference, at least `bound`.
 * `times-worse`: the other way round, at most `bound`.
 * `more`: the subject less the reference in the row's unit, at most `bound`.
 * `alone`: the subject by itself in the row's unit, `bound` or better. Needs no reference.
 * @typedef {{ measure: "times-better" | "times-worse" | "more" | "alone", bound: number }} Target
 *
 * @typedef {object} Judged
 * @property {string} label
 * @property {string | undefined} against The label of the contender compared with.
 * @property {string | undefined} figure undefined when one of the two was skipped
 * @property {string | undefined} target
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
    const right = reference === undefined ? undefined : best(results, reference, unit.better);
    const against = reference === undefined ? undefined : (right?.spec.label ?? reference);
    if (!left?.summary || (reference !== undefined && !right?.summary)) {
      return skipped(label, against);
    }
    const measured = measure(target, left.summary.median, right?.summary?.median ?? 0, unit);
    return { label, against, ...measured };
  });
}

/**
 * @param {string} label
 * @param {string | undefined} against
 * @returns {Judged}
 */
function skipped(label, against) {
  const nothing = { figure: undefined, target: undefined, missedBy: undefined };
  return { label, against, ...nothing, outcome: "skipped" };
}

/**
 * @param {Target | undefined} target
 * @param {number} left
 * @param {number} right
 * @param {import("./rounds.mjs").Unit} unit
 */
function measure(target, left, right, unit) {
  const quotient = left / right;
  const timesBetter = unit.better === "higher" ? quotient : 1 / quotient;
  if (!target) {
    const figure = `${timesBetter.toFixed(2)}×`;
    return { figure, target: undefined, ...outcome(undefined) };
  }
  const { bound } = target;
  switch (target.measure) {
    case "times-better": {
      const figure = `${timesBetter.toFixed(2)}×`;
      return { figure, target: `at least ${bound}×`, ...outcome(1 - timesBetter / bound) };
    }
    case "times-worse": {
      const timesWorse = 1 / timesBetter;
      const figure = `${timesWorse.toFixed(2)}×`;
      return { figure, target: `at most ${bound}×`, ...outcome(timesWorse / bound - 1) };
    }
    case "more": {
      const more = left - right;
      const figure = `${more.toFixed(2)} ${unit.name} more`;
      return { figure, target: `at most ${bound}`, ...outcome(more / bound - 1) };
    }
    default: {
      const isHigher = unit.better === "higher";
      const lacking = isHigher ? 1 - left / bound : left / bound - 1;
      const figure = `${left.toFixed(2)} ${unit.name}`;
      return { figure, target: `at ${isHigher ? "least" : "most"} ${bound}`, ...outcome(lacking) };
    }
  }
}

/**
 * @param {number | undefined} lacking
 * @returns {Pick<Judged, "outcome" | "missedBy">}
 */
function outcome(lacking) {
  if (lacking === undefined) return { outcome: "reported", missedBy: undefined };
  return lacking <= 0
    ? { outcome: "met", missedBy: undefined }
    : { outcome: "missed", missedBy: lacking };
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
