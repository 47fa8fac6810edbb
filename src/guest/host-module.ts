/** A module of the host in a worker: which of its exports guests see, call and hold handles of. */
import { encodeArray } from "../protocol/values/inbound.ts";
import type { DependencyDefinition } from "../protocol/control.ts";
import type { HostModules } from "./host-modules.ts";

export type HostModuleDefinition = Extract<DependencyDefinition, { kind: "host-module" }>;

/** A module that was imported for an alias. */
export interface HostModule {
  definition: HostModuleDefinition;
  exports: Record<string, unknown>;
}

/** What of a module the guest sees. */
export interface HostModuleContent {
  functionNames: string[];
  /** Values that cross. */
  values: Record<string, unknown>;
  /** Objects that stay outside, and the methods of them that may be called. */
  handles: [name: string, methods: string[]][];
}

export type HostFunction = (...args: unknown[]) => unknown;

/** What a guest's call means. */
export interface HostTarget {
  call: HostFunction;
  self: object | undefined;
  definition: HostModuleDefinition;
}

/** Imports a module. Rejects when it or one of its named exports is not there. */
export async function loadHostModule(
  loader: HostModules,
  definition: HostModuleDefinition,
): Promise<HostModule> {
  const { specifier, exports: names } = definition;
  const loaded = await loader.load(specifier);
  const isIncomplete = names === "all" || names.some((name) => !Object.hasOwn(loaded, name));
  const exports = isIncomplete ? withDefaultsMembers(loaded) : loaded;
  const missing = names === "all" ? undefined : names.find((name) => !Object.hasOwn(exports, name));
  if (missing === undefined) return { definition, exports };
  throw new Error(`The module "${specifier}" has no export "${missing}".`);
}

/** Throws when an export that was named is nothing a guest can have. */
export function describeHostModule({ definition, exports }: HostModule): HostModuleContent {
  const content: HostModuleContent = { functionNames: [], values: {}, handles: [] };
  if (definition.exports === "all") {
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value === "function") content.functionNames.push(name);
      else if (whyNot(name, value) === undefined) setOwn(content.values, name, value);
    }
    return content;
  }
  for (const name of definition.exports) {
    const value = exports[name];
    if (typeof value === "function") {
      content.functionNames.push(name);
      continue;
    }
    const isObject = typeof value === "object" && value !== null;
    const methods = isObject ? handleMethods(value, definition) : undefined;
    if (methods !== undefined) {
      content.handles.push([name, methods]);
      continue;
    }
    const refusal = isObject ? instanceRefusal(value) : undefined;
    if (refusal !== undefined) throw new Error(`Its export ${name} is ${refusal}`);
    const reason = whyNot(name, value);
    if (reason !== undefined) throw new Error(`Its export ${reason}`);
    setOwn(content.values, name, value);
  }
  return content;
}

/** What a call means: of an export, or of a method of an export that is a handle. */
export function functionOfModule(
  alias: string,
  module: HostModule | undefined,
  name: string,
  method: string | undefined,
): HostTarget {
  const definition = module?.definition;
  const allowed = definition?.exports === "all" || definition?.exports.includes(name) === true;
  const target = module && allowed && Object.hasOwn(module.exports, name) && module.exports[name];
  if (method !== undefined && definition && typeof target === "object" && target !== null) {
    const call = methodOf(target, method, definition);
    if (call !== undefined) return { call, self: target, definition };
  }
  if (method !== undefined || !definition || typeof target !== "function") {
    const what = method === undefined ? name : `${name}.${method}`;
    throw new Error(`Dependency "${alias}" has no function "${what}".`);
  }
  // A method of a CommonJS module's exports object may rely on being called as one.
  const main = module?.exports["default"];
  const isMethod = typeof main === "object" && main !== null && Object.hasOwn(main, name);
  return { call: target as HostFunction, self: isMethod ? main : undefined, definition };
}

/** A method that guests may call on a host object. */
export function methodOf(
  self: object,
  name: string,
  definition: HostModuleDefinition,
): HostFunction | undefined {
  if (handleMethods(self, definition)?.includes(name) !== true) return undefined;
  const call: unknown = (self as Record<string, unknown>)[name];
  return typeof call === "function" ? (call as HostFunction) : undefined;
}

/** The methods a guest may call on a host object, or undefined when it is not to be a handle. */
export function handleMethods(
  value: object,
  definition: HostModuleDefinition,
): string[] | undefined {
  if (isData(value)) return undefined;
  if (definition.handles === "all") return publicMethods(Object.getPrototypeOf(value) as object);
  const name = className(value);
  return Object.hasOwn(definition.handles, name) ? definition.handles[name] : undefined;
}

/** What a class's instance is that crosses neither as data nor as a handle; undefined for data. */
export function instanceRefusal(value: object): string | undefined {
  if (isData(value) || value instanceof Promise) return undefined;
  const name = className(value);
  return (
    `an instance of ${name || "a class"}, which cannot enter a sandbox as data. ` +
    `Name the methods guests may call in the dependency's handles: { ${name || "ClassName"}: ["method"] }.`
  );
}

/** Whether what a host module returned is waited for: other libraries have promises of their own. */
export function isThenable(value: object): boolean {
  return typeof (value as { then?: unknown }).then === "function";
}

/**
 * The exports of a module, and the members of its default export. Those are what a CommonJS module
 * exports, of which analysis finds only some by name.
 */
function withDefaultsMembers(exports: Record<string, unknown>): Record<string, unknown> {
  const { default: main, "module.exports": _same, ...named } = exports;
  if ((typeof main !== "object" && typeof main !== "function") || main === null) return exports;
  const members = Object.entries(Object.getOwnPropertyDescriptors(main)).flatMap(
    // Nothing is read from accessors, which could do anything.
    ([name, { enumerable, value }]) => (enumerable === true ? [[name, value as unknown]] : []),
  );
  return { ...(Object.fromEntries(members) as Record<string, unknown>), ...named, default: main };
}

function className(value: object): string {
  return (value.constructor as { name?: string } | undefined)?.name ?? "";
}

/** Methods of a class's own prototype that are neither its constructor nor marked private. */
function publicMethods(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => {
    if (name === "constructor" || name.startsWith("_")) return false;
    return typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === "function";
  });
}

/** Plain objects, arrays and everything the value forms know. */
function isData(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    prototype === Object.prototype ||
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean
  );
}

/** Why a value cannot cross, with its path; undefined when it can. */
function whyNot(name: string, value: unknown): string | undefined {
  try {
    encodeArray([value], "value");
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^value\[0\]/, name);
  }
}

/** A name may be `__proto__`. */
function setOwn(table: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(table, key, { value, enumerable: true, configurable: true });
}
