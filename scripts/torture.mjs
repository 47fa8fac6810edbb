// npm run torture: every torture vector in every environment and engine, and a table of what became
// of them. `npm run torture -- torture browser-plain` runs only those projects.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { findBrowser } from "./find-browser.mjs";
import { run } from "./run.mjs";

/** @typedef {{ title: string, status: string, duration?: number, ancestorTitles: string[] }} Test */
/** @typedef {{ vectors: number, passed: number, failed: number, skipped: number, longestMs: number }} Row */

const PROJECTS = ["torture", "browser-isolated", "browser-plain"];
const COLUMNS = ["vectors", "passed", "failed", "skipped", "longest ms"];

/** @param {string[]} asked */
function chosen(asked) {
  const unknown = asked.filter((name) => !PROJECTS.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no project called ${unknown.join(", ")}. There are: ${PROJECTS.join(", ")}.`,
    );
  }
  return asked.length === 0 ? PROJECTS : asked;
}

/**
 * @param {string} project
 * @param {string} folder
 * @returns {Promise<{ tests: Test[], code: number }>}
 */
async function torture(project, folder) {
  if (project !== "torture") process.env["SKEP_CHROMIUM"] ??= await findBrowser();
  const file = join(folder, `${project}.json`);
  const filter = "torture";
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run("vitest", ["run", filter, "--project", project, ...reporters], {
    env: { SKEP_TORTURE: "whole" },
  });
  /** @type {{ testResults: { assertionResults: Test[] }[] } | undefined} */
  const report = JSON.parse(await readFile(file, "utf8").catch(() => "null")) ?? undefined;
  return { tests: report?.testResults.flatMap((result) => result.assertionResults) ?? [], code };
}

/**
 * @param {Test[]} tests
 * @returns {Map<string, Row>} by family, the whole last
 */
function rows(tests) {
  /** @type {Map<string, Row>} */
  const found = new Map();
  for (const { status, duration = 0, ancestorTitles } of tests) {
    for (const name of [ancestorTitles[1] ?? "", "all"]) {
      const row = found.get(name) ?? { vectors: 0, passed: 0, failed: 0, skipped: 0, longestMs: 0 };
      row.vectors++;
      if (status === "passed") row.passed++;
      else if (status === "failed") row.failed++;
      else row.skipped++;
      row.longestMs = Math.max(row.longestMs, Math.round(duration));
      found.set(name, row);
    }
  }
  const all = found.get("all");
  found.delete("all");
  if (all) found.set("all", all);
  return found;
}

/** @param {string} environment @param {Test[]} tests */
function printTable(environment, tests) {
  const table = rows(tests);
  const width = Math.max(...[...table.keys()].map((name) => name.length));
  console.log(
    `\n${environment.padEnd(width)}  ${COLUMNS.map((name) => name.padStart(10)).join("")}`,
  );
  for (const [name, { vectors, passed, failed, skipped, longestMs }] of table) {
    const cells = [vectors, passed, failed, skipped, longestMs];
    console.log(
      `${name.padEnd(width)}  ${cells.map((cell) => String(cell).padStart(10)).join("")}`,
    );
  }
  for (const [label, pattern] of /** @type {const} */ ([
    ["skipped", /\(skipped: (.*)\)$/],
    ["known failures", /\(known failure: (.*)\)$/],
  ])) {
    /** @type {Map<string, number>} */
    const reasons = new Map();
    for (const { title } of tests) {
      const reason = pattern.exec(title)?.[1];
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of reasons) console.log(`  ${label}, ${count}: ${reason}`);
  }
}

/** @param {Test[]} tests */
function byEnvironment(tests) {
  /** @type {Map<string, Test[]>} */
  const groups = new Map();
  for (const test of tests) {
    const name = (test.ancestorTitles[0] ?? "").replace("torture: ", "");
    groups.set(name, [...(groups.get(name) ?? []), test]);
  }
  return groups;
}

let failed = 0;
let passed = 0;
const folder = await mkdtemp(join(tmpdir(), "skep-torture-"));
try {
  const projects = chosen(process.argv.slice(2));
  if (!(await build())) throw new Error("The build failed.");
  /** @type {[string, Test[]][]} */
  const tables = [];
  for (const project of projects) {
    console.log(`\n== ${project}`);
    const { tests, code } = await torture(project, folder);
    const failures = tests.filter(({ status }) => status === "failed").length;
    passed += tests.filter(({ status }) => status === "passed").length;
    // A project that ended badly, or ran nothing, without a failed test counts as one.
    failed += code !== 0 || tests.length === 0 ? Math.max(1, failures) : failures;
    const page = project === "torture" ? "" : `${project.replace("browser-", "")} page, `;
    for (const [name, group] of byEnvironment(tests)) tables.push([`${page}${name}`, group]);
  }
  for (const [name, tests] of tables) printTable(name, tests);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  failed++;
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\ntorture: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
