// npm test: every stage, on a fresh machine too. `npm test -- unit contracts` runs only those.
// Ends with one line, `N passed, N failed`, which sums the tests of all stages.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build } from "./build.mjs";
import { check } from "./check.mjs";
import { findBrowser } from "./find-browser.mjs";
import { run } from "./run.mjs";

/** @typedef {{ passed: number, failed: number }} Count */
/** @typedef {{ status: string, fullName: string, failureMessages?: string[] }} TestResult */

/** @type {Record<string, () => Promise<Count>>} */
const stages = {
  check,
  unit: () => vitest("unit"),
  contracts: () => vitest("contracts"),
  torture: () => vitest("torture"),
  "browser-isolated": () => withBrowser(() => vitest("browser-isolated")),
  "browser-plain": () => withBrowser(() => vitest("browser-plain")),
  e2e: () => withBrowser(playwright),
};

/** One name for several stages. @type {Record<string, string[]>} */
const groups = { browser: ["browser-isolated", "browser-plain"] };

const reports = await mkdtemp(join(tmpdir(), "skep-test-"));

/** What failed and why, for the summary: the end of a log is what is kept longest. @type {string[]} */
const failures = [];

/** @param {string} text */
function firstLines(text) {
  return text.split("\n").slice(0, 6).join("\n    ").slice(0, 1_000);
}

/**
 * @param {string} project
 * @returns {Promise<Count>}
 */
async function vitest(project) {
  const file = join(reports, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run("vitest", ["run", "--project", project, ...reporters]);
  const report = await readJson(file);
  const passed = report?.numPassedTests ?? 0;
  // A file that does not even load has no failed test of its own, and must count all the same.
  /** @type {{ name: string, status: string, message?: string, assertionResults: TestResult[] }[]} */
  const results = report?.testResults ?? [];
  for (const { name, status, message, assertionResults } of results) {
    if (status === "failed") {
      const tests = assertionResults.filter((test) => test.status === "failed");
      const reasons = tests.map((test) => `${test.fullName}: ${test.failureMessages?.[0]}`);
      for (const reason of reasons.length > 0 ? reasons : [message ?? "did not load"]) {
        failures.push(`${project} ${relative(process.cwd(), name)}: ${firstLines(reason)}`);
      }
    }
  }
  const unloadable = results.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  return settle(project, code, passed, (report?.numFailedTests ?? 0) + unloadable);
}

/** @returns {Promise<Count>} */
async function playwright() {
  const file = join(reports, "e2e.json");
  const env = { PLAYWRIGHT_JSON_OUTPUT_NAME: file };
  const { code } = await run("playwright", ["test", "--reporter=list,json"], { env });
  const stats = (await readJson(file))?.stats;
  // A test that passed on a second try only ("flaky") is a failure to look at.
  return settle("e2e", code, stats?.expected ?? 0, (stats?.unexpected ?? 0) + (stats?.flaky ?? 0));
}

/**
 * A runner that ran nothing, or that ended badly without a failed test, counts as one failure.
 * @param {string} stage
 * @param {number} code
 * @param {number} passed
 * @param {number} failed
 * @returns {Count}
 */
function settle(stage, code, passed, failed) {
  if (passed + failed === 0) {
    console.log(`${stage}: ran no test at all, which counts as a failure`);
    return { passed, failed: 1 };
  }
  if (code !== 0 && failed === 0) {
    console.log(`${stage}: ended with code ${code}, which counts as a failure`);
    return { passed, failed: 1 };
  }
  return { passed, failed };
}

/**
 * @param {() => Promise<Count>} stage
 * @returns {Promise<Count>}
 */
async function withBrowser(stage) {
  // The runners' own processes read it from here.
  process.env["SKEP_CHROMIUM"] ??= await findBrowser();
  return stage();
}

/** @param {string} file */
async function readJson(file) {
  return JSON.parse(await readFile(file, "utf8").catch(() => "null"));
}

/**
 * @param {string} name
 * @returns {Promise<Count>}
 */
async function runStage(name) {
  try {
    return (await stages[name]?.()) ?? { passed: 0, failed: 1 };
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1 };
  }
}

/** @returns {string[]} */
function selectedStages() {
  const asked = process.argv.slice(2).flatMap((name) => groups[name] ?? [name]);
  const unknown = asked.filter((name) => !(name in stages));
  if (unknown.length > 0) {
    const known = [...Object.keys(stages), ...Object.keys(groups)].join(", ");
    throw new Error(`There is no test stage called ${unknown.join(", ")}. There are: ${known}.`);
  }
  return Object.keys(stages).filter((name) => asked.length === 0 || asked.includes(name));
}

const total = { passed: 0, failed: 0 };
const lines = [];
try {
  const selected = selectedStages();
  console.log("\n== build");
  // The tests below would tell about an older dist/.
  if (!(await build())) throw new Error("The build failed.");
  for (const name of selected) {
    console.log(`\n== ${name}`);
    const began = performance.now();
    const count = await runStage(name);
    total.passed += count.passed;
    total.failed += count.failed;
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    lines.push(`${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`);
  }
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  total.failed++;
} finally {
  await rm(reports, { recursive: true, force: true });
}

console.log(["", "== summary", ...failures, ...lines].join("\n"));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
