// npm run values: generated values through the wall and back, with structuredClone as the oracle,
// and a table of where and how many. 100,000 through pools in Node, as many in Chromium, and more
// without a pool. `npm run values -- 12345` repeats a seed, `npm run values -- 12345 400000` with
// as many cases.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { findBrowser } from "./find-browser.mjs";
import { run } from "./run.mjs";

/** @typedef {{ title: string, status: string, duration?: number, ancestorTitles: string[], failureMessages?: string[] }} Test */
/** @typedef {{ place: string, cases: number, status: string, seconds: number }} Row */

/** Environments and engines that share the cases, on each side. */
const ROWS = 4;
const PROJECTS = [
  { project: "contracts", files: ["values.node", "generated-values.node"], where: "Node" },
  { project: "browser-isolated", files: ["generated-values"], where: "Chromium" },
];
const TITLE = /^agree with structuredClone, (\d+) of seed/;

const [seed = String(Math.floor(Math.random() * 2 ** 31) + 1), cases = "100000"] =
  process.argv.slice(2);

/**
 * @param {typeof PROJECTS[number]} side
 * @param {string} folder
 * @returns {Promise<{ rows: Row[], code: number, failures: string[] }>}
 */
async function generate({ project, files, where }, folder) {
  if (project !== "contracts") process.env["SKEP_CHROMIUM"] ??= await findBrowser();
  const file = join(folder, `${project}.json`);
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run("vitest", ["run", ...files, "--project", project, ...reporters], {
    env: { SKEP_VALUE_CASES: String(Math.ceil(Number(cases) / ROWS)), SKEP_VALUE_SEED: seed },
  });
  /** @type {{ testResults: { assertionResults: Test[] }[] } | undefined} */
  const report = JSON.parse(await readFile(file, "utf8").catch(() => "null")) ?? undefined;
  const tests = report?.testResults.flatMap((result) => result.assertionResults) ?? [];
  const rows = [];
  for (const { title, status, duration = 0, ancestorTitles } of tests) {
    const found = TITLE.exec(title)?.[1];
    if (found === undefined) continue;
    const place = `${where}, ${(ancestorTitles[0] ?? "").replace("values: ", "")}`;
    rows.push({ place, cases: Number(found), status, seconds: duration / 1_000 });
  }
  return { rows, code, failures: tests.flatMap((test) => test.failureMessages ?? []) };
}

/** @param {Row[]} rows */
function printTable(rows) {
  const width = Math.max(...rows.map(({ place }) => place.length));
  console.log(`\n${"".padEnd(width)}       cases  failures   seconds`);
  for (const { place, cases, status, seconds } of rows) {
    const cells = [cases, status === "passed" ? 0 : 1, seconds.toFixed(0)];
    console.log(
      `${place.padEnd(width)}  ${cells.map((cell) => String(cell).padStart(10)).join("")}`,
    );
  }
}

let isSound = true;
const folder = await mkdtemp(join(tmpdir(), "skep-values-"));
try {
  if (!(await build())) throw new Error("The build failed.");
  console.log(`seed ${seed}`);
  /** @type {Row[]} */
  const rows = [];
  for (const side of PROJECTS) {
    const { rows: found, code, failures } = await generate(side, folder);
    rows.push(...found);
    for (const failure of failures) console.log(failure.slice(0, 4_000));
    if (code !== 0 || found.length === 0) isSound = false;
  }
  printTable(rows);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  isSound = false;
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `\nvalues: ${isSound ? "all agree" : "FAILED"}; npm run values -- ${seed} repeats them`,
);
process.exitCode = isSound ? 0 : 1;
