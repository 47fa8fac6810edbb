/** Finds the functions that scripts export, by asking in a sandbox, where guest code belongs. */
import { SkepError } from "../../errors.ts";
import { describeFunction } from "../../registry/function-source.ts";
import type { Script } from "./bundle.ts";
import type { InspectedFunction, InspectedScript, InspectedType } from "./metadata.ts";
import type { ModuleFormat } from "./specifiers.ts";

/** A function that can be called from outside. */
export interface ExportedFunction {
  /** Its script's place. */
  script: string;
  /** The name of the export. */
  name: string;
  /** What the pool calls it. */
  poolName: string;
  /** Calls the export, whatever the arguments. */
  source: string;
}

export interface Inspection {
  functions: ExportedFunction[];
  packages: Record<string, InspectedScript[]>;
}

/** An export as the sandbox tells it. Whatever is in it is the guest's word. */
interface Told {
  name: string;
  text: string;
  length: number;
  tag: string;
}

const MAXIMUM_EXPORTS = 1_000;
const MAXIMUM_TEXT = 65_536;
const MAXIMUM_NAME = 200;
const IDENTIFIER = /^[A-Za-z_]\w*$/;

/**
 * Source that evaluates to the functions among a script's exports: own enumerable properties, read
 * without inherited ones. CommonJS has its exports under `default`.
 */
export function inspectionSource(script: string, format: ModuleFormat): string {
  const exports = format === "commonjs" ? ".default" : "";
  return `
    const exported = (await import(${JSON.stringify(script)}))${exports};
    const found = [];
    const toText = Function.prototype.toString;
    const toTag = Object.prototype.toString;
    function tell(name, value) {
      if (typeof value !== "function" || found.length >= ${MAXIMUM_EXPORTS}) return;
      const text = toText.call(value);
      const length = typeof value.length === "number" ? value.length : 0;
      found.push({ name, text: text.slice(0, ${MAXIMUM_TEXT}), length, tag: toTag.call(value) });
    }
    const isNone = exported === null || exported === undefined;
    if (typeof exported === "function") tell("default", exported);
    for (const name of isNone ? [] : Object.keys(exported)) {
      if (name.length > 0 && name.length <= ${MAXIMUM_NAME}) tell(name, exported[name]);
    }
    found`;
}

/** What to call and what to tell, from what the sandbox told about each script. */
export function inspect(
  scripts: readonly (Script & { format: ModuleFormat; told: unknown })[],
): Inspection {
  const packages = Object.create(null) as Record<string, InspectedScript[]>;
  const functions: ExportedFunction[] = [];
  const taken = new Set<string>();
  for (const { path, language, format, told } of scripts) {
    const funcs: InspectedFunction[] = [];
    const classes: { name: string }[] = [];
    for (const item of checked(told)) {
      if (/^class\b/.test(item.text)) {
        classes.push({ name: item.name });
        continue;
      }
      if (/Generator/.test(item.tag)) continue;
      const poolName = freeName(item.name, taken);
      taken.add(poolName);
      const source = callSource(path, format, item.name);
      functions.push({ script: path, name: item.name, poolName, source });
      funcs.push(describe(item));
    }
    (packages[language] ??= []).push({
      name: path.slice(2),
      scope: { name: "global_namespace", funcs, classes, objects: [] },
    });
  }
  return { functions, packages };
}

function checked(told: unknown): Told[] {
  const list = Array.isArray(told) ? (told as unknown[]) : undefined;
  if (list === undefined || list.length > MAXIMUM_EXPORTS + 1) throw nonsense();
  const names = new Set<string>();
  return list.map((item) => {
    const { name, text, length, tag } = item as Told;
    const isTold = typeof name === "string" && typeof text === "string" && typeof tag === "string";
    if (!isTold || names.has(name)) throw nonsense();
    names.add(name);
    return { name, text, tag, length: Number.isInteger(length) ? length : 0 };
  });
}

function nonsense(): SkepError {
  return new SkepError(
    "install-failed",
    "The scripts make it impossible to tell what they export.",
  );
}

function describe({ name, text, length, tag }: Told): InspectedFunction {
  const type: InspectedType = { name: "", id: -1 };
  return {
    name,
    signature: {
      ret: { type: { ...type } },
      args: parametersOf(name, text, length).map((parameter) => ({
        name: parameter,
        type: { ...type },
      })),
    },
    async: tag === "[object AsyncFunction]",
  };
}

/** Names where there are some; of patterns the pattern. */
function parametersOf(name: string, text: string, length: number): string[] {
  try {
    return describeFunction(name, text).parameters.map((parameter) =>
      parameter
        .replace(/^\.\.\./, "")
        .replace(/^([\w$]+)\s*=[^]*$/, "$1")
        .slice(0, MAXIMUM_NAME),
    );
  } catch {
    // Bound functions and those of the engine have no text.
    return Array.from({ length: Math.max(0, Math.min(length, 100)) }, (_, at) => `arg${at}`);
  }
}

function callSource(script: string, format: ModuleFormat, name: string): string {
  const property = IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
  // CommonJS: the exports object itself may be the function.
  const exports = format === "commonjs" ? `.default` : "";
  const isWhole = format === "commonjs" && name === "default";
  const called = isWhole
    ? `typeof exported === "function" ? exported(...args) : exported.default(...args)`
    : `exported${property}(...args)`;
  return `async (...args) => {
  const exported = (await import(${JSON.stringify(script)}))${exports};
  return ${called};
}`;
}

/** The export's own name where pools allow it and no other script has it: it shows in messages. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  const wanted = IDENTIFIER.test(name) ? name : "export";
  let free = wanted;
  for (let count = 2; taken.has(free); count++) free = `${wanted}_${count}`;
  return free;
}
