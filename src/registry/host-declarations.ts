/** Host functions as TypeScript declarations: what a model or an editor needs to know of them. */
import type { PreparedHost } from "./host-functions.ts";
import { awaited, readSignature } from "./host-signature.ts";
import { parametersOf } from "./schema-types.ts";

interface Level extends Map<string, Level | PreparedHost> {}

/** Declares `host` and `hostSync`; empty without functions. */
export function declareHosts(hosts: readonly PreparedHost[]): string {
  if (hosts.length === 0) return "";
  const root = tree(hosts);
  return (
    `/** Functions of the host: every call returns a promise. */\n` +
    `declare const host: {\n${members(root, "  ", false)}};\n` +
    `/** The same, waiting for the result, where the sandbox's thread can block. */\n` +
    `declare const hostSync: {\n${members(root, "  ", true)}};\n`
  );
}

function tree(hosts: readonly PreparedHost[]): Level {
  const root: Level = new Map();
  for (const host of hosts) {
    const steps = host.name.split(".");
    const last = steps.pop() ?? "";
    let level = root;
    for (const step of steps) {
      const known = level.get(step);
      const inner: Level = known instanceof Map ? known : new Map();
      level.set(step, inner);
      level = inner;
    }
    level.set(last, host);
  }
  return root;
}

function members(level: Level, indent: string, isSync: boolean): string {
  const lines = [...level].map(([name, entry]) => {
    // `new(…)` would say that the object is a class.
    const key = name === "new" ? `"new"` : name;
    if (entry instanceof Map) {
      return `${indent}${key}: {\n${members(entry, `${indent}  `, isSync)}${indent}};\n`;
    }
    return `${comment(entry, indent)}${indent}${key}${signature(entry, isSync)};\n`;
  });
  return lines.join("");
}

function signature(host: PreparedHost, isSync: boolean): string {
  const given = host.signature === undefined ? undefined : readSignature(host.signature);
  const parameters = given?.parameters ?? validated(host) ?? "(...args: unknown[])";
  const result = given?.result ?? "unknown";
  const value = awaited(result);
  return `${parameters}: ${isSync ? value : `Promise<${value}>`}`;
}

/** What its validator says of the arguments, where it can (Standard JSON Schema). */
function validated({ validate }: PreparedHost): string | undefined {
  try {
    const schema = validate?.["~standard"].jsonSchema?.input({ target: "draft-2020-12" });
    return parametersOf(schema);
  } catch {
    // It takes what JSON Schema has no word for.
    return undefined;
  }
}

function comment({ description, maxCallsPerRun, timeoutMs }: PreparedHost, indent: string): string {
  const lines = (description ?? "").trim().replaceAll("*/", "*\u200b/").split(/\r?\n/);
  if (maxCallsPerRun !== undefined) lines.push(`At most ${maxCallsPerRun} calls per run.`);
  if (timeoutMs !== undefined) lines.push(`Throws a TimeoutError after ${timeoutMs} ms.`);
  const said = lines[0] === "" ? lines.slice(1) : lines;
  if (said.length === 0) return "";
  if (said.length === 1) return `${indent}/** ${said[0]} */\n`;
  return `${indent}/**\n${said.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}
