/** Host functions: closures of the parent that guest code may call by name, with data. */
import { SkepError } from "../errors.ts";

/** What a host function is told about the call, as its `this`. */
export interface HostCallContext {
  /** The run the call comes from. */
  readonly runId: number;
  /** The run's `key` option. */
  readonly key: string | undefined;
  /**
   * The call's OpenTelemetry span as a `traceparent` header (W3C Trace Context), for requests made
   * on behalf of it. Undefined without the pool's `telemetry` option.
   */
  readonly traceparent: string | undefined;
  /** Fires when the run ends for any reason: nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

/** Any validator of the Standard Schema (zod, valibot, arktype …), as far as it is used. */
export interface StandardSchema {
  readonly "~standard": {
    validate(value: unknown): StandardResult | Promise<StandardResult>;
  };
}

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

/** A function of the host. Declared with `function` or as a method it finds its context in `this`. */
// Guests pass what they like: parameters are what the function says, or else what it makes of them.
// oxlint-disable-next-line typescript/no-explicit-any -- see above
export type HostFunction = (this: HostCallContext, ...args: any[]) => unknown;

/** A host function and its limits. */
export interface HostFunctionOptions {
  fn: HostFunction;
  /** Milliseconds it may take; then the guest gets a `TimeoutError`. Default: the run's own limit. */
  timeoutMs?: number | undefined;
  /** How often one run may call it. Default: unlimited. */
  maxCallsPerRun?: number | undefined;
  /** How many of its calls are under way at once in the whole pool; others wait. Default: unlimited. */
  concurrency?: number | undefined;
  /** Checks the array of arguments; what it returns is what the function gets. */
  validate?: StandardSchema | undefined;
  /** TypeScript parameters and result for `pool.describe()`, e.g. `(id: number): Promise<User>`. */
  signature?: string | undefined;
}

/** Host functions by name, nested as deep as wanted: `{ db: { query: fn } }` is `host.db.query`. */
export interface HostTable {
  readonly [name: string]: HostFunction | HostFunctionOptions | HostTable;
}

/** A host function that passed every check. */
export interface PreparedHost extends HostFunctionOptions {
  /** Its path, e.g. `db.query`. */
  name: string;
}

const OPTION_KEYS = ["fn", "timeoutMs", "maxCallsPerRun", "concurrency", "validate", "signature"];
const MAXIMUM_NESTING = 8;

/** Checks a table of host functions. Throws `invalid-argument` with the path. */
export function prepareHosts(table: unknown, prefix = "", depth = 0): PreparedHost[] {
  const label = prefix === "" ? "host" : `host.${prefix}`;
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw invalid(`${label} must be a function, { fn, … } or an object of such.`);
  }
  if (depth > MAXIMUM_NESTING)
    throw invalid(`${label} is nested more than ${MAXIMUM_NESTING} levels deep.`);
  const prepared: PreparedHost[] = [];
  for (const key of Object.keys(table).sort()) {
    const property = Object.getOwnPropertyDescriptor(table, key);
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (!/^[A-Za-z_$][\w$]*$/.test(key) || key === "__proto__") {
      throw invalid(`host.${name}: a name must be an identifier.`);
    }
    if (property === undefined || !("value" in property)) {
      throw invalid(`host.${name} is a getter. Pass the function itself.`);
    }
    const value: unknown = property.value;
    if (typeof value === "function") prepared.push({ name, fn: value as HostFunction });
    else if (isOptions(value)) prepared.push(prepareOptions(name, value));
    else prepared.push(...prepareHosts(value, name, depth + 1));
  }
  return prepared;
}

function isOptions(value: unknown): value is HostFunctionOptions {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { fn?: unknown }).fn === "function"
  );
}

function prepareOptions(name: string, options: HostFunctionOptions): PreparedHost {
  for (const key of Object.keys(options)) {
    if (!OPTION_KEYS.includes(key)) throw invalid(`host.${name} has an unknown option "${key}".`);
  }
  for (const key of ["timeoutMs", "maxCallsPerRun", "concurrency"] as const) {
    const value = options[key];
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw invalid(`host.${name}: ${key} must be a positive integer.`);
    }
  }
  const { validate } = options;
  if (validate !== undefined && typeof validate?.["~standard"]?.validate !== "function") {
    throw invalid(
      `host.${name}: validate must be a Standard Schema, e.g. of zod, valibot or arktype.`,
    );
  }
  return { ...options, name };
}

/** TypeScript declarations of the host functions: what a model or an editor needs to know. */
export function describeHosts(hosts: readonly PreparedHost[]): string {
  interface Level extends Map<string, Level | PreparedHost> {}
  const root: Level = new Map();
  for (const host of hosts) {
    const steps = host.name.split(".");
    const last = steps.pop() ?? "";
    let level = root;
    for (const step of steps) {
      const next = level.get(step);
      const inner: Level = next instanceof Map ? next : new Map();
      level.set(step, inner);
      level = inner;
    }
    level.set(last, host);
  }
  function members(level: Level, indent: string, isSync: boolean): string {
    return [...level]
      .map(([name, entry]) =>
        entry instanceof Map
          ? `${indent}${name}: {\n${members(entry, `${indent}  `, isSync)}\n${indent}};`
          : `${indent}${name}${signatureOf(entry, isSync)};`,
      )
      .join("\n");
  }
  if (root.size === 0) return "";
  return (
    `/** Functions of the host: every call returns a promise. */\ndeclare const host: {\n${members(root, "  ", false)}\n};\n` +
    `/** The same, waiting for the result, where the sandbox's thread can block. */\ndeclare const hostSync: {\n${members(root, "  ", true)}\n};\n`
  );
}

function signatureOf(host: PreparedHost, isSync: boolean): string {
  const given = host.signature ?? `(...args: unknown[]): Promise<unknown>`;
  return isSync ? given.replace(/:\s*Promise<(.*)>\s*$/s, ": $1") : given;
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
