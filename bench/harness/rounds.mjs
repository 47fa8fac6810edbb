// Measures the contenders of a row in interleaved rounds: A B C, A B C, …, so that whatever else
// the machine does in the meantime hits all of them.
import { ContenderProcess, SkippedError } from "./process.mjs";
import { summarize } from "./statistics.mjs";

/**
 * @typedef {import("./process.mjs").ContenderSpec} ContenderSpec
 * @typedef {import("./statistics.mjs").Summary} Summary
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {string} note One line on what is measured, and how.
 * @property {Unit} unit
 * @property {ContenderSpec[]} contenders
 * @property {import("./comparisons.mjs").Comparison[]} comparisons
 * @property {number} [multipleOf] Rounds do so many operations, or twice as many, and so on.
 * @property {"long-lived" | "fresh"} [processes] Default long-lived: a process is warmed up and
 *   measured again and again. `fresh`: a process for every round, for what only happens once.
 *
 * @typedef {object} Unit
 * @property {string} name
 * @property {(figurePerOperation: number) => number} from From a round's figure to the unit.
 * @property {"lower" | "higher"} better
 *
 * @typedef {object} Pace
 * @property {number} rounds
 * @property {number} roundMs About how long a round takes.
 * @property {number} warmUpMs
 *
 * @typedef {{ spec: ContenderSpec, summary?: Summary, skipped?: string }} Result
 */

/**
 * @param {Row} row
 * @param {Pace} pace
 * @returns {Promise<Result[]>} in the order of the row's contenders
 */
export function measureRow(row, pace) {
  return row.processes === "fresh" ? measureFresh(row, pace) : measureLongLived(row, pace);
}

/**
 * @param {Row} row
 * @param {Pace} pace
 */
async function measureLongLived({ contenders, unit, multipleOf = 1 }, pace) {
  /** @type {{ spec: ContenderSpec, process: ContenderProcess, count: number, figures: number[] }[]} */
  const open = [];
  /** @type {Map<string, string>} */
  const skipped = new Map();
  try {
    for (const spec of contenders) {
      try {
        const process = await ContenderProcess.open(spec);
        open.push({ spec, process, count: await warmUp(process, pace, multipleOf), figures: [] });
      } catch (error) {
        if (!(error instanceof SkippedError)) throw error;
        skipped.set(spec.id, error.message);
      }
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const { process, count, figures } of open) {
        // It has slept while the others were measured: caches are cold, memory was given back.
        await process.round(Math.ceil(count / 4));
        const { figure } = await process.round(count);
        figures.push(unit.from(figure / count));
      }
    }
  } finally {
    for (const { process } of open) await process.close();
  }
  const figures = new Map(open.map(({ spec, figures }) => [spec.id, figures]));
  return contenders.map((spec) => result(spec, figures.get(spec.id) ?? [], skipped.get(spec.id)));
}

/** Warms a contender up, and finds how many operations take about a round's time. */
async function warmUp(
  /** @type {ContenderProcess} */ process,
  /** @type {Pace} */ { roundMs, warmUpMs },
  /** @type {number} */ multipleOf,
) {
  let count = multipleOf;
  let spentMs = 0;
  for (;;) {
    const { elapsedMs } = await process.round(count);
    spentMs += elapsedMs;
    const perOperationMs = elapsedMs / count;
    const wanted = roundMs / Math.max(perOperationMs, 1e-6);
    const fitting = Math.max(1, Math.round(wanted / multipleOf)) * multipleOf;
    if (spentMs >= warmUpMs) return fitting;
    count = Math.min(fitting, count * 8);
  }
}

/**
 * @param {Row} row
 * @param {Pace} pace
 */
async function measureFresh({ contenders, unit }, pace) {
  /** @type {Map<string, number[]>} */
  const figures = new Map(contenders.map(({ id }) => [id, []]));
  /** @type {Map<string, string>} */
  const skipped = new Map();
  for (let round = 0; round < pace.rounds; round++) {
    for (const spec of contenders) {
      if (skipped.has(spec.id)) continue;
      try {
        const process = await ContenderProcess.open(spec);
        const { figure } = await process.round(1);
        figures.get(spec.id)?.push(unit.from(figure));
        await process.close();
      } catch (error) {
        if (!(error instanceof SkippedError)) throw error;
        skipped.set(spec.id, error.message);
      }
    }
  }
  return contenders.map((spec) => result(spec, figures.get(spec.id) ?? [], skipped.get(spec.id)));
}

/**
 * @param {ContenderSpec} spec
 * @param {number[]} figures
 * @param {string | undefined} skipped
 * @returns {Result}
 */
function result(spec, figures, skipped) {
  return skipped === undefined ? { spec, summary: summarize(figures) } : { spec, skipped };
}
