// Runs every script of a folder, as a judge of submitted homework would: none of them is trusted,
// all of them run at the same time, each in a sandbox of its own.
//
//   node demo/node/submissions.mjs [folder]
//
// A script is an ES module: its default export is its answer. It finds its input in `constants`.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect, styleText } from "node:util";
import { createPool } from "skep";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.argv[2] ?? join(here, "submissions");
// A script that computes too long is stopped by cpuMs. One that waits has longer: it may have to
// wait for others that compute on the same worker, too.
const limits = { cpuMs: 1_000, timeoutMs: 4_000, memoryBytes: 16 * 2 ** 20 };

/** @typedef {"answered" | "stopped" | "failed"} Verdict */
/** @typedef {{ script: string, verdict: Verdict, detail: string, ms: number, bytes: number }} Row */

/** @type {Record<Verdict, "green" | "yellow" | "red">} */
const colours = { answered: "green", stopped: "yellow", failed: "red" };

/** @param {string} name */
const input = (name) => readFile(join(here, "input", name), "utf8");

const pool = await createPool({
  workers: 2,
  limits,
  constants: { text: await input("gettysburg.txt"), planets: await input("planets.csv") },
});

try {
  const scripts = (await readdir(folder)).filter((name) => name.endsWith(".js")).sort();
  if (scripts.length === 0) throw new Error(`There is no .js file in ${folder}.`);
  const megabytes = limits.memoryBytes / 2 ** 20;
  console.log(
    `\n${scripts.length} submitted scripts, 2 workers, at most ${limits.cpuMs} ms of computing and ` +
      `${megabytes} MiB each\n`,
  );
  const began = performance.now();
  const rows = await Promise.all(scripts.map((name) => judge(join(folder, name))));
  const elapsedMs = performance.now() - began;
  printTable(rows);
  await printSummary(rows, elapsedMs);
} finally {
  await pool.close();
}

/**
 * @param {string} file
 * @returns {Promise<Row>}
 */
async function judge(file) {
  const script = basename(file, ".js");
  const source = await readFile(file, "utf8");
  const outcome = await pool.execute({ eval: source, type: "module", filename: `${script}.js` });
  const { wallMs: ms, peakMemoryBytes: bytes } = outcome.receipt;
  if (outcome.ok) {
    const { default: answer } = /** @type {{ default: unknown }} */ (outcome.value);
    return { script, verdict: "answered", detail: oneLine(answer), ms, bytes };
  }
  const { error } = outcome;
  // What a script throws is the script's business; everything else is a limit that stopped it.
  const isThrown = error.code === "guest-error";
  const detail = isThrown ? `${error.code}: ${error.message}` : error.code;
  return { script, verdict: isThrown ? "failed" : "stopped", detail, ms, bytes };
}

/**
 * A value as one line. inspect() escapes control characters: an answer cannot paint the terminal.
 * @param {unknown} value
 */
function oneLine(value) {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 });
}

/** @param {Row[]} rows */
function printTable(rows) {
  const width = Math.max(...rows.map(({ script }) => script.length));
  const room = Math.max(30, (process.stdout.columns ?? 120) - width - 34);
  const head = ["script".padEnd(width), "outcome ", "time".padStart(8), "memory".padStart(8)];
  console.log(paint("bold", [...head, "answer or error"].join("  ")));
  for (const { script, verdict, detail, ms, bytes } of rows) {
    const cells = [
      script.padEnd(width),
      paint(colours[verdict], verdict.padEnd(8)),
      `${ms.toFixed(1)} ms`.padStart(8),
      `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(8),
      shorten(visible(detail), room),
    ];
    console.log(cells.join("  "));
  }
}

/**
 * @param {Row[]} rows
 * @param {number} elapsedMs
 */
async function printSummary(rows, elapsedMs) {
  /** @param {Verdict} verdict */
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const { workers } = pool.stats();
  const isClean = await pool.eval(
    `({}).isAdmin === undefined && typeof leftBehind === "undefined" && [1].map(String)[0] === "1"`,
  );
  console.log(
    `\n${rows.length} scripts in ${Math.round(elapsedMs)} ms: ${count("answered")} answered, ` +
      `${count("stopped")} stopped at a limit, ${count("failed")} failed by themselves. ` +
      `${workers.ready} of ${workers.total} workers ready, ` +
      `the next sandbox is ${isClean ? "clean" : "NOT CLEAN"}.`,
  );
  if (isClean !== true) process.exitCode = 1;
}

/**
 * @param {"bold" | "green" | "yellow" | "red"} style
 * @param {string} text
 */
function paint(style, text) {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText(style, text) : text;
}

/**
 * @param {string} text
 * @param {number} length
 */
function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Control characters as escapes. @param {string} text */
function visible(text) {
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
