/** A pool's statistics in Prometheus' text exposition format, version 0.0.4. */
import type { WorkerHealth } from "./pool.ts";
import type { Histogram, PoolStatistics } from "./statistics.ts";
import type { RunSums, SumsByName } from "./sums.ts";

export interface Measurements {
  statistics: PoolStatistics;
  health: readonly WorkerHealth[];
  waitMs: Histogram;
  runMs: Histogram;
}

/** Powers of two microseconds that bound the histograms' buckets: 64 µs to 67 s. */
const FIRST_OCTAVE = 6;
const LAST_OCTAVE = 26;
const MS_PER_SECOND = 1_000;
const MICROSECONDS_PER_SECOND = 1_000_000;

const QUANTITIES = [
  "runs",
  "failed",
  "wallMs",
  "cpuMs",
  "gas",
  "hostCalls",
  "bytesIn",
  "bytesOut",
] as const satisfies (keyof RunSums)[];

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const UNLABELLED: Labels = {};

/** The text. Ends with a line feed, as the format demands. */
export function metricsText({ statistics, health, waitMs, runMs }: Measurements): string {
  const { workers, queued, inFlight, restarts, errors } = statistics;
  const { completed, failed, refused } = statistics;
  const { total: _, ...states } = workers;
  const memoryBytes = health.reduce((sum, worker) => sum + (worker.memoryBytes ?? 0), 0);
  return [
    family("skep_workers", "gauge", "Places for workers by state.", labelled("state", states)),
    single("skep_runs_queued", "gauge", "Runs that wait for a worker.", queued),
    single("skep_runs_in_flight", "gauge", "Runs sent to a worker and not settled.", inFlight),
    single(
      "skep_sandbox_memory_bytes",
      "gauge",
      "WebAssembly memory of all sandboxes, as the workers last reported it.",
      memoryBytes,
    ),
    family(
      "skep_runs_total",
      "counter",
      "Runs that settled with a value, with an error, or were not accepted.",
      labelled("outcome", { completed, failed, refused }),
    ),
    family(
      "skep_run_errors_total",
      "counter",
      "Runs that settled with an error, by its code; refused ones included.",
      labelled("code", errors),
    ),
    family(
      "skep_sessions",
      "gauge",
      "Open sessions, by state.",
      labelled("state", { ...statistics.sessions }),
    ),
    single("skep_worker_restarts_total", "counter", "Workers that were replaced.", restarts),
    histogram("skep_run_wait_seconds", "Time between submission and start of runs.", waitMs),
    histogram("skep_run_duration_seconds", "Time between start and end of runs.", runMs),
    ...sums("skep_function", "runs of a function", [
      ...named("function", statistics.functions),
      [{ kind: "other-functions" }, statistics.otherFunctions],
      [{ kind: "evaluations" }, statistics.evaluations],
    ]),
    ...sums("skep_key", "runs with a key", [
      ...named("key", statistics.keys),
      [{ kind: "other-keys" }, statistics.otherKeys],
    ]),
  ].join("");
}

/** One family per quantity. */
function sums(
  prefix: string,
  what: string,
  entries: readonly (readonly [Labels, Readonly<RunSums>])[],
): string[] {
  const quantities: [string, string, (sums: Readonly<RunSums>) => number][] = [
    ["wall_seconds", "Time from start to end of", ({ wallMs }) => wallMs / MS_PER_SECOND],
    ["cpu_seconds", "Time that guest code executed in", ({ cpuMs }) => cpuMs / MS_PER_SECOND],
    ["gas", "Interrupt polls in", ({ gas }) => gas],
    ["host_calls", "Calls into the host from", ({ hostCalls }) => hostCalls],
    ["in_bytes", "Bytes that went into", ({ bytesIn }) => bytesIn],
    ["out_bytes", "Bytes that came out of", ({ bytesOut }) => bytesOut],
  ];
  const runs = entries.flatMap(([labels, { runs, failed }]): Sample[] => [
    [{ ...labels, outcome: "completed" }, runs - failed],
    [{ ...labels, outcome: "failed" }, failed],
  ]);
  return [
    family(`${prefix}_runs_total`, "counter", `Settled ${what}.`, runs),
    ...quantities.map(([name, help, read]) => {
      const samples = entries.map(([labels, entry]): Sample => [labels, read(entry)]);
      return family(`${prefix}_${name}_total`, "counter", `${help} ${what}.`, samples);
    }),
  ];
}

/** What has the same name once it can be written in UTF-8 is one series, or there would be two. */
function named(label: string, byName: SumsByName): [Labels, RunSums][] {
  const merged = new Map<string, RunSums>();
  for (const [name, entry] of Object.entries(byName)) {
    const text = name.replaceAll(/\p{Surrogate}/gu, "\uFFFD");
    const total = merged.get(text);
    if (total === undefined) merged.set(text, { ...entry });
    else for (const quantity of QUANTITIES) total[quantity] += entry[quantity];
  }
  return Array.from(merged, ([name, total]) => [{ [label]: name }, total]);
}

function labelled(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
}

function single(name: string, type: string, help: string, value: number): string {
  return family(name, type, help, [[UNLABELLED, value]]);
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => line(name, labels, value));
  return heading(name, type, help) + lines.join("");
}

function histogram(name: string, help: string, durations: Histogram): string {
  let text = heading(name, "histogram", help);
  for (let octave = FIRST_OCTAVE; octave <= LAST_OCTAVE; octave++) {
    const le = String(2 ** octave / MICROSECONDS_PER_SECOND);
    text += line(`${name}_bucket`, { le }, durations.countUpTo(octave));
  }
  return (
    text +
    line(`${name}_bucket`, { le: "+Inf" }, durations.count) +
    line(`${name}_sum`, UNLABELLED, durations.sumMs / MS_PER_SECOND) +
    line(`${name}_count`, UNLABELLED, durations.count)
  );
}

function heading(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
