/** What users define, checked and encoded at once so that later mutation does not matter. */
import { SkepError } from "../errors.ts";
import type { ConstantDefinition, DependencyDefinition } from "../protocol/control.ts";
import { encodeConstant } from "../protocol/values/inbound.ts";
import type { GivenOrder, NpmDependency, UrlDependency } from "./dependency-order.ts";
import { describeFunction, type FunctionSource } from "./function-source.ts";
import { type HostTable, type PreparedHost, prepareHosts } from "./host-functions.ts";
import { checkAlias, checkName, nearestName } from "./names.ts";
import { findRequirements, type Requirements } from "./requirements.ts";
import type { SourceText } from "./source-text.ts";

/**
 * A function to define: a value, serialized with `toString()`, or its source text; in TypeScript
 * as `{ source, language: "ts" }`.
 */
// `never[]` is the parameter list every function type fits.
export type FunctionInput = ((...args: never[]) => unknown) | string | SourceText;

/** Functions by name. */
export type FunctionTable = Record<string, FunctionInput>;

/**
 * A dependency: code that is evaluated inside the sandbox, or a module of the host of which the
 * named exports can be called by value.
 */
export type DependencyInput =
  /** ES module text. */
  | SourceText
  | { /** CommonJS text: `module.exports = …`. */ commonjs: string }
  | NpmDependency
  | UrlDependency
  | {
      /** What the worker imports, such as `node:path` or an absolute URL. */
      module: string;
      /** The exports that guest code can reach. */
      exports: readonly string[];
      /**
       * Classes whose instances may be handed to guest code as opaque handles, and the methods it
       * may call on them: `{ Hash: ["update", "digest"] }`.
       */
      handles?: Readonly<Record<string, readonly string[]>> | undefined;
    };

/** What `define()` takes. */
export interface Definitions<Functions = FunctionTable> {
  functions?: Functions | undefined;
  /** Any structured-cloneable values. */
  constants?: Readonly<Record<string, unknown>> | undefined;
  dependencies?: Readonly<Record<string, DependencyInput>> | undefined;
  /** Functions of the host that guest code may call: `await host.name(…)`. */
  host?: HostTable | undefined;
}

/** What `undefine()` takes. Unknown names are ignored. */
export interface Undefinitions {
  functions?: readonly string[] | undefined;
  constants?: readonly string[] | undefined;
  dependencies?: readonly string[] | undefined;
  /** Paths, e.g. `db.query`. */
  host?: readonly string[] | undefined;
}

/** Definitions that passed every check the parent can make. */
export interface PreparedDefinitions {
  functions: PreparedFunction[];
  constants: ConstantDefinition[];
  dependencies: DependencyDefinition[];
  hosts?: PreparedHost[] | undefined;
  /** The source of dependencies, by alias, as it was before types were stripped from it. */
  givenDependencies?: ReadonlyMap<string, string> | undefined;
}

/** Definitions of which some are not JavaScript yet, or still lack their source. */
export interface CheckedDefinitions extends Omit<
  PreparedDefinitions,
  "functions" | "dependencies"
> {
  functions: (PreparedFunction | FunctionOrder)[];
  dependencies: (DependencyDefinition | GivenOrder)[];
}

/** Whether there is nothing left to get. */
export function isComplete(checked: CheckedDefinitions): checked is PreparedDefinitions {
  return (
    checked.dependencies.every(({ kind }) => kind !== "ordered") &&
    !checked.functions.some(isFunctionOrder)
  );
}

export function isFunctionOrder(
  definition: PreparedFunction | FunctionOrder,
): definition is FunctionOrder {
  return "fields" in definition;
}

export interface PreparedFunction extends FunctionSource {
  name: string;
  requirements: Requirements;
  /** The text as it was before types were stripped from it. */
  given?: string | undefined;
}

/** A function of which only the properties are known: `{ source, language }`, to be checked. */
export interface FunctionOrder {
  name: string;
  fields: ReadonlyMap<string, unknown>;
}

/** The keys of {@link Definitions}, for callers that take them among other options. */
export const DEFINITION_KINDS: readonly string[] = [
  "functions",
  "constants",
  "dependencies",
  "host",
];

/** Checks and encodes definitions. Throws `invalid-argument` or `not-marshallable`. */
export function prepareDefinitions(definitions: Definitions): CheckedDefinitions {
  const given = ownData(definitions, "The definitions");
  for (const [kind] of given) checkKind(kind);
  return {
    functions: entriesOf(given, "functions").map(([name, value]) => checkFunction(name, value)),
    constants: entriesOf(given, "constants").map(([name, value]) => prepareConstant(name, value)),
    dependencies: entriesOf(given, "dependencies").map(([alias, value]) =>
      prepareDependency(alias, value),
    ),
    hosts: given.flatMap(([kind, table]) =>
      kind === "host" && table !== undefined ? prepareHosts(table) : [],
    ),
  };
}

function checkFunction(name: string, value: unknown): PreparedFunction | FunctionOrder {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return prepareFunction(name, value);
  }
  checkName("function", name);
  return { name, fields: new Map(ownData(value, `The function "${name}"`)) };
}

/** Checks and encodes one function. */
export function prepareFunction(name: string, value: unknown): PreparedFunction {
  checkName("function", name);
  const source = describeFunction(name, value);
  return { ...source, name, requirements: findRequirements(source.tokens) };
}

/** Checks and encodes one constant. */
export function prepareConstant(name: string, value: unknown): ConstantDefinition {
  checkName("constant", name);
  return { name, value: encodeConstant(name, value) };
}

/** Checks one dependency; what is given by where it is, is checked when it is got. */
function prepareDependency(alias: string, value: unknown): DependencyDefinition | GivenOrder {
  checkAlias(alias);
  const label = `The dependency "${alias}"`;
  const fields = new Map(ownData(value, label));
  if (["npm", "url", "language"].some((key) => fields.has(key))) {
    return { alias, kind: "ordered", fields };
  }
  const kinds = ["source", "commonjs", "module"].filter((kind) => fields.has(kind));
  if (kinds.length !== 1) {
    throw invalid(`${label} needs exactly one of source, commonjs, npm, url and module.`);
  }
  const kind = kinds[0] === "module" ? "host-module" : (kinds[0] as "source" | "commonjs");
  const allowed = kind === "host-module" ? ["module", "exports", "handles"] : [kind, "language"];
  const unknownKey = [...fields.keys()].find((key) => !allowed.includes(key));
  if (unknownKey !== undefined) throw invalid(`${label} has an unknown property "${unknownKey}".`);

  if (kind !== "host-module") {
    const source = fields.get(kind);
    if (typeof source !== "string") throw invalid(`${label}: ${kind} must be source text.`);
    return { alias, kind, source };
  }
  const specifier = fields.get("module");
  if (typeof specifier !== "string" || specifier === "") {
    throw invalid(`${label}: module must be a specifier such as "node:path".`);
  }
  const exports = stringList(fields.get("exports"), `${label}: exports`);
  const handles = fields.get("handles");
  const methods = handles === undefined ? [] : ownData(handles, `${label}: handles`);
  return {
    alias,
    kind,
    specifier,
    exports,
    handles: Object.fromEntries(
      methods.map(([name, list]) => [name, stringList(list, `${label}: handles.${name}`)]),
    ),
  };
}

/** Checks what `undefine()` was given and returns lists of names. */
export function prepareUndefinitions(names: Undefinitions): Required<{
  [Kind in keyof Undefinitions]: string[];
}> {
  const given = new Map(ownData(names, "What to undefine"));
  for (const [kind] of given) checkKind(kind);
  function list(kind: string): string[] {
    const value = given.get(kind);
    return value === undefined ? [] : stringList(value, kind, true);
  }
  return {
    functions: list("functions"),
    constants: list("constants"),
    dependencies: list("dependencies"),
    host: list("host"),
  };
}

function checkKind(kind: string): void {
  if (DEFINITION_KINDS.includes(kind)) return;
  const suggestion = nearestName(kind, DEFINITION_KINDS);
  throw invalid(
    `"${kind}" is nothing that can be defined. ` +
      (suggestion === undefined
        ? `Use ${DEFINITION_KINDS.join(", ")}.`
        : `Did you mean "${suggestion}"?`),
  );
}

function entriesOf(given: readonly [string, unknown][], kind: string): [string, unknown][] {
  const value = given.find(([key]) => key === kind)?.[1];
  return value === undefined ? [] : ownData(value, kind);
}

/**
 * The own enumerable properties of a plain table, sorted by name. A getter is refused rather than
 * called: what it would return could differ from one reading to the next.
 */
function ownData(table: unknown, label: string): [string, unknown][] {
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw invalid(`${label} must be an object with a property per name.`);
  }
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(table).sort()) {
    const property = Object.getOwnPropertyDescriptor(table, key);
    if (property === undefined) continue;
    if (!("value" in property)) {
      throw invalid(`${label}: "${key}" is a getter. Pass the value itself.`);
    }
    entries.push([key, property.value]);
  }
  return entries;
}

function stringList(value: unknown, label: string, mayBeEmpty = false): string[] {
  const isList =
    Array.isArray(value) &&
    (mayBeEmpty || value.length > 0) &&
    value.every((name) => typeof name === "string" && name !== "");
  if (!isList) throw invalid(`${label} must be a list of names.`);
  return [...new Set(value as string[])];
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
