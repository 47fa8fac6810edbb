/**
 * A strict reader of Prometheus' text exposition format 0.0.4, and of what `promtool check metrics`
 * complains about. Throws where a text breaks a rule.
 */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

interface Family {
  name: string;
  type: string;
  samples: Sample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(,|$)/s;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

export class Exposition {
  constructor(readonly families: readonly Family[]) {}

  /** The value of the one series with exactly these labels. */
  value(name: string, labels: Record<string, string>): number | undefined {
    const wanted = identity({ name, labels });
    return this.families
      .flatMap(({ samples }) => samples)
      .find((sample) => identity(sample) === wanted)?.value;
  }
}

export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("The last line must end with a line feed.");
  const families: Family[] = [];
  const names = new Set<string>();
  const series = new Set<string>();
  const lines = text.slice(0, -1).split("\n");
  for (let at = 0; at < lines.length;) {
    const help = HELP.exec(lines[at++] ?? "");
    const type = TYPE.exec(lines[at++] ?? "");
    if (!help || !type || help[1] !== type[1])
      throw new Error(`No HELP and TYPE at line ${at - 1}.`);
    const family: Family = { name: type[1] ?? "", type: type[2] ?? "", samples: [] };
    if (names.has(family.name)) throw new Error(`${family.name} comes twice.`);
    names.add(family.name);
    for (; at < lines.length && !lines[at]?.startsWith("#"); at++) {
      const sample = parseSample(lines[at] ?? "");
      const key = identity(sample);
      if (series.has(key)) throw new Error(`${key} comes twice.`);
      series.add(key);
      family.samples.push(sample);
    }
    checkFamily(family);
    families.push(family);
  }
  return new Exposition(families);
}

function identity({ name, labels }: Pick<Sample, "name" | "labels">): string {
  // A label without text is as good as none.
  const pairs = Object.entries(labels).filter(([, text]) => text !== "");
  return JSON.stringify([name, pairs.sort(([left], [right]) => (left < right ? -1 : 1))]);
}

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (!match || !NUMBER.test(match[3] ?? "")) throw new Error(`This is no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = match[2] ?? ""; rest !== "";) {
    const label = LABEL.exec(rest);
    if (!label) throw new Error(`These are no labels: ${rest}`);
    const [whole, name = "", text = ""] = label;
    if (Object.hasOwn(labels, name)) throw new Error(`The label ${name} comes twice: ${line}`);
    labels[name] = text.replaceAll(/\\(.)/g, (_, escape: string) =>
      escape === "n" ? "\n" : escape,
    );
    rest = rest.slice(whole.length);
  }
  const number = (match[3] ?? "").replace("Inf", "Infinity");
  return { name: match[1] ?? "", labels, value: Number(number) };
}

function checkFamily({ name, type, samples }: Family): void {
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`${name} lacks _total.`);
  if (type !== "counter" && name.endsWith("_total")) throw new Error(`${name} is no counter.`);
  if (type === "histogram") {
    checkHistogram(name, samples);
    return;
  }
  for (const sample of samples) {
    if (sample.name !== name) throw new Error(`${sample.name} is not of ${name}.`);
    if (!(sample.value >= 0)) throw new Error(`${name} is ${sample.value}.`);
  }
}

function checkHistogram(name: string, samples: Sample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const counts = samples.filter((sample) => sample.name === `${name}_count`);
  const sums = samples.filter((sample) => sample.name === `${name}_sum`);
  if (counts.length !== 1 || sums.length !== 1) throw new Error(`${name} lacks _sum or _count.`);
  if (buckets.length + 2 !== samples.length) throw new Error(`${name} has other samples.`);
  let previous = { bound: Number.NEGATIVE_INFINITY, count: 0 };
  for (const { labels, value } of buckets) {
    const bound = Number(labels["le"]?.replace("Inf", "Infinity"));
    if (!(bound > previous.bound)) throw new Error(`${name}: le is not ascending at ${bound}.`);
    if (value < previous.count) throw new Error(`${name} is not cumulative at ${bound}.`);
    previous = { bound, count: value };
  }
  if (previous.bound !== Number.POSITIVE_INFINITY) throw new Error(`${name} lacks le="+Inf".`);
  if (previous.count !== counts[0]?.value) throw new Error(`${name}_count is not the last bucket.`);
}
