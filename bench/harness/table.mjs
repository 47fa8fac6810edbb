// The figures as text: for the terminal, and for the README.
import { readFile, writeFile } from "node:fs/promises";

/** @typedef {import("./rounds.mjs").Row} Row @typedef {import("./rounds.mjs").Result} Result */
/** @typedef {import("./comparisons.mjs").Judged} Judged */

/**
 * @param {Row} row
 * @param {Result[]} results
 * @param {Judged[]} judged
 */
export function rowText(row, results, judged) {
  const lines = [row.title, `  ${row.note}`, ""];
  const width = Math.max(...results.map(({ spec }) => spec.label.length));
  for (const { spec, summary, skipped } of results) {
    const label = spec.label.padEnd(width);
    if (!summary) {
      lines.push(`  ${label}  skipped: ${skipped}`);
      continue;
    }
    const median = number(summary.median).padStart(9);
    const range = `${number(summary.low)}-${number(summary.high)}`;
    lines.push(`  ${label}  ${median} ${row.unit.name}  (${range})`);
  }
  lines.push("");
  for (const comparison of judged) lines.push(`  ${comparisonText(comparison)}`);
  return `${lines.join("\n")}\n`;
}

/** @param {Judged} judged */
export function comparisonText({ label, against, figure, target, outcome, missedBy }) {
  if (figure === undefined) return `skipped   ${label}`;
  const what = `${label}: ${figure}${against === undefined ? "" : ` (${against})`}`;
  if (target === undefined) return `          ${what}`;
  const verdict = outcome === "met" ? "met     " : "MISSED  ";
  return `${verdict}  ${what} (target: ${target}${lackText(missedBy)})`;
}

/** @param {number | undefined} missedBy */
function lackText(missedBy) {
  return missedBy === undefined ? "" : `, missed by ${(missedBy * 100).toFixed(1)} %`;
}

/** Three digits that count, thousands apart. */
export function number(/** @type {number} */ value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const START = "<!-- bench:start -->";
const END = "<!-- bench:end -->";

/**
 * Puts a run's figures between the README's two markers.
 *
 * @param {{ node: string, cores: number, rounds: number }} circumstances
 * @param {{ row: Row, results: Result[], judged: Judged[] }[]} measured
 */
export async function writeReadme({ node, cores, rounds }, measured) {
  const file = new URL("../../README.md", import.meta.url);
  const text = await readFile(file, "utf8");
  const [before, after] = [text.split(START)[0], text.split(END)[1]];
  if (before === undefined || after === undefined) {
    throw new Error(`README.md has no ${START} and ${END}.`);
  }
  const intro = `One run of \`npm run bench\` on a machine with ${cores} cores (Node ${node.slice(1)}, medians of ${rounds} interleaved rounds). Yours will differ; the ratios are what to look at.`;
  const rows = measured.map(rowMarkdown);
  await writeFile(file, `${[`${before}${START}`, intro, ...rows, END].join("\n\n")}${after}`);
}

/** @param {{ row: Row, results: Result[], judged: Judged[] }} measured */
function rowMarkdown({ row, results, judged }) {
  const figures = results.map(({ spec, summary, skipped }) =>
    summary
      ? `| ${spec.label} | ${number(summary.median)} | ${number(summary.low)} to ${number(summary.high)} |`
      : `| ${spec.label} | skipped | ${skipped} |`,
  );
  const table = ["|  | median | low to high |", "| --- | --- | --- |", ...figures].join("\n");
  const verdicts = judged
    .filter(({ outcome }) => outcome === "met" || outcome === "missed")
    .map(({ label, figure, target, outcome, missedBy }) =>
      outcome === "met"
        ? `- ${label}: ${figure} (target ${target}, met)`
        : `- ${label}: ${figure} (target ${target}${lackText(missedBy)})`,
    );
  return [
    `**${row.title}** (${row.unit.name})`,
    table,
    ...(verdicts.length > 0 ? [verdicts.join("\n")] : []),
  ].join("\n\n");
}
