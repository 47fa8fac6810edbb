// The figures as text.

/**
 * @param {import("./rounds.mjs").Row} row
 * @param {import("./rounds.mjs").Result[]} results
 * @param {import("./comparisons.mjs").Judged[]} judged
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

/** @param {import("./comparisons.mjs").Judged} judged */
export function comparisonText({ label, against, measure, ratio, target, outcome, missedBy }) {
  if (ratio === undefined) return `skipped   ${label}`;
  const what = `${label}: ${ratio.toFixed(2)}x ${against}`;
  if (target === undefined) return `          ${what}`;
  const bound = measure === "times-better" ? "at least" : "at most";
  const verdict = outcome === "met" ? "met     " : "MISSED  ";
  const lack = missedBy === undefined ? "" : `, missed by ${(missedBy * 100).toFixed(1)} %`;
  return `${verdict}  ${what} (target: ${bound} ${target}x${lack})`;
}

/** Three digits that count, thousands apart. */
export function number(/** @type {number} */ value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
