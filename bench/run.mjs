// npm run bench: measures skep against its peers and the limits of the platform, in one run.
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { judge } from "./harness/comparisons.mjs";
import { installPeers } from "./harness/peers.mjs";
import { measureRow } from "./harness/rounds.mjs";
import { comparisonText, rowText, writeReadme } from "./harness/table.mjs";
import { limits, oneAtATime, throughput } from "./rows/calls.mjs";
import { processOneAtATime, processThroughput } from "./rows/processes.mjs";
import { remoteOneAtATime, remoteThroughput } from "./rows/remote.mjs";
import { cpuRows } from "./rows/cpu-bound.mjs";
import { files } from "./rows/files.mjs";
import { freshSandbox } from "./rows/fresh-sandbox.mjs";
import { buffers, smallArguments, valuesIn, valuesOut } from "./rows/marshalling.mjs";
import { receipts } from "./rows/receipts.mjs";
import { coldStart, coldStartImage, memory, restart } from "./rows/start.mjs";
import { dependencies, dependencyUse, webApis } from "./rows/prepared-images.mjs";
import { sessions, sessionsMemory, sessionsWake } from "./rows/sessions.mjs";
import { waitingRuns } from "./rows/waiting-runs.mjs";

const ROWS = [
  freshSandbox,
  throughput,
  oneAtATime,
  processOneAtATime,
  processThroughput,
  remoteOneAtATime,
  remoteThroughput,
  limits,
  receipts,
  valuesOut,
  valuesIn,
  buffers,
  smallArguments,
  waitingRuns,
  files,
  sessions,
  sessionsMemory,
  sessionsWake,
  dependencies,
  dependencyUse,
  webApis,
  ...cpuRows,
  coldStart,
  coldStartImage,
  restart,
  memory,
];
const RESULTS = new URL("results/latest.json", import.meta.url);

const USAGE = `Usage: npm run bench -- [options]
  --only <row>     a row, or the start of some; may be repeated
                   ${ROWS.map(({ id }) => id).join(", ")}
  --runs <number>  rounds per figure (default 7)
  --quick          3 short rounds: to see that it runs, not to quote
  --no-build       measures dist/ as it is
  --readme         puts the figures into README.md`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      runs: { type: "string" },
      quick: { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      readme: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.runs ?? (values.quick ? 3 : 7));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--runs must be a whole number.");
  const rows = ROWS.filter(
    ({ id }) => values.only.length === 0 || values.only.some((start) => id.startsWith(start)),
  );
  if (rows.length === 0) throw new Error(`There is no row "${values.only.join('", "')}".`);
  const pace = values.quick
    ? { rounds, roundMs: 60, warmUpMs: 150 }
    : { rounds, roundMs: 400, warmUpMs: 1500 };
  if (values.readme && rows.length < ROWS.length) throw new Error("--readme needs all rows.");
  return { rows, pace, builds: !values["no-build"], readme: values.readme, help: values.help };
}

function machine() {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
  };
}

/** @param {ReturnType<typeof readOptions>} options */
async function bench({ rows, pace, builds, readme }) {
  if (builds && !(await build())) throw new Error("skep does not build.");
  if (!(await installPeers())) throw new Error("The peers could not be installed.");
  const surroundings = machine();
  const { node, processor, cores } = surroundings;
  console.log(`\nNode ${node}, ${processor}, ${cores} cores; medians of ${pace.rounds} rounds.\n`);
  const measured = [];
  for (const row of rows) {
    const results = await measureRow(row, pace);
    const judged = judge(row, results);
    console.log(rowText(row, results, judged));
    measured.push({ row, results, judged });
  }
  printTargets(measured.flatMap(({ judged }) => judged));
  const figures = measured.map(({ row: { id, title, unit }, ...rest }) => {
    return { id, title, unit: unit.name, ...rest };
  });
  const report = { at: new Date().toISOString(), ...surroundings, pace, rows: figures };
  await mkdir(new URL(".", RESULTS), { recursive: true });
  await writeFile(RESULTS, `${JSON.stringify(report, undefined, 2)}\n`);
  if (readme) await writeReadme({ node, cores, rounds: pace.rounds }, measured);
}

/** @param {import("./harness/comparisons.mjs").Judged[]} judged */
function printTargets(judged) {
  const targets = judged.filter(({ target }) => target !== undefined);
  if (targets.length === 0) return;
  const met = targets.filter(({ outcome }) => outcome === "met").length;
  console.log(`Targets: ${met} of ${targets.length} met`);
  for (const comparison of targets) console.log(`  ${comparisonText(comparison)}`);
}

try {
  const options = readOptions();
  if (options.help) console.log(USAGE);
  else await bench(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 1;
}
