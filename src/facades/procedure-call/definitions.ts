/** What the facade's `define…` methods were given, checked and in the registry's form. */
import type { ConstantDefinition, DependencyDefinition } from "../../protocol/control.ts";
import { SkepError } from "../../errors.ts";
import {
  prepareConstant,
  prepareFunction,
  type PreparedFunction,
} from "../../registry/definitions.ts";
import { notSerializable } from "./errors.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Takes a method's one argument apart, and says so when there is none. */
export function fieldsOf(params: unknown, method: string): Record<string, unknown> {
  if (typeof params === "object" && params !== null) return params as Record<string, unknown>;
  throw new Error(`${method} takes one object with its parameters.`);
}

export function checkedFunction(fields: Record<string, unknown>): PreparedFunction {
  const name = checkName("name", fields["name"]);
  const { worker_func } = fields;
  if (typeof worker_func !== "function") throw new Error("worker_func must be a function.");
  return prepareFunction(name, worker_func);
}

export function checkedConstant(fields: Record<string, unknown>): ConstantDefinition {
  const name = checkName("name", fields["name"]);
  try {
    return prepareConstant(name, fields["value"]);
  } catch (error) {
    if (!(error instanceof SkepError) || error.code !== "not-marshallable") throw error;
    throw notSerializable(`Constant "${name}"`, error);
  }
}

/** `refuse` says what is wrong with a module where the platform cannot load it. */
export function checkedDependency(
  fields: Record<string, unknown>,
  refuse: (specifier: string) => string | undefined,
): DependencyDefinition {
  const alias = checkName("alias", fields["alias"]);
  const { module_specifier: specifier, export_name, is_default_export } = fields;
  if (typeof specifier !== "string" || specifier === "") {
    throw new Error("module_specifier must be a non-empty string.");
  }
  if (export_name !== undefined && (typeof export_name !== "string" || export_name === "")) {
    throw new Error("export_name must be a non-empty string.");
  }
  if (is_default_export !== undefined && typeof is_default_export !== "boolean") {
    throw new Error("is_default_export must be a boolean.");
  }
  if (export_name !== undefined && is_default_export === true) {
    throw new Error("export_name and is_default_export cannot both be set.");
  }
  const refusal = refuse(specifier);
  if (refusal !== undefined) throw new Error(`Dependency "${alias}" cannot be used: ${refusal}`);
  const picked = is_default_export === true ? DEFAULT_EXPORT : export_name;
  return {
    alias,
    kind: "host-module",
    specifier,
    exports: "all",
    handles: "all",
    ...(picked === undefined ? {} : { pick: { export: picked } }),
  };
}

/** What `getWorkerDependencies()` tells of a dependency besides its workers. */
export interface DependencyShape {
  module_specifier: string;
  export_name: string | null;
  is_default_export: boolean;
}

export function shapeOf(dependency: DependencyDefinition | undefined): DependencyShape {
  const picked = dependency?.pick?.export;
  const is_default_export = picked === DEFAULT_EXPORT;
  return {
    module_specifier: dependency?.kind === "host-module" ? dependency.specifier : "",
    export_name: is_default_export ? null : (picked ?? null),
    is_default_export,
  };
}

const DEFAULT_EXPORT = "default";

function checkName(label: string, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new Error(
    `${label} must match ${String(NAME)}, not ${JSON.stringify(name) ?? String(name)}.`,
  );
}
