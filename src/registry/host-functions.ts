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
  /**
   * Fires when nobody waits for the result any more: the run has ended, for whatever reason, or the
   * function's `timeoutMs` has passed.
   */
  readonly signal: AbortSignal;
}

/** Any validator of the Standard Schema (zod, valibot, arktype …), as far as it is used. */
export interface StandardSchema {
  readonly "~standard": {
    validate(value: unknown): StandardResult | Promise<StandardResult>;
    /** Standard JSON Schema: what `pool.describe()` has the parameters from, without a signature. */
    readonly jsonSchema?:
      | { input(options: { readonly target: "draft-2020-12" }): Record<string, unknown> }
      | undefined;
  };
}

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** What a validator has to say against a value. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}

/** A function of the host. Declared with `function` or as a method it finds its context in `this`. */
// oxlint-disable-next-line typescript/no-explicit-any -- guests pass what they like; `unknown` would refuse every function that names its parameters' types, `never` those that do not
export type HostFunction = (this: HostCallContext, ...args: any[]) => unknown;

/** A host function and its limits. */
export interface HostFunctionOptions {
  fn: HostFunction;
  /**
   * Milliseconds that a call may take, its validator included, from when it begins; waiting for its
   * turn under `concurrency` is not counted. Then the guest gets a `TimeoutError`, and the call's
   * signal fires. Default: only the run's own limits.
   */
  timeoutMs?: number | undefined;
  /** How often one run may call it; beyond, the guest gets a `RangeError`. Default: unlimited. */
  maxCallsPerRun?: number | undefined;
  /**
   * How many of its calls are under way at once in the whole pool; others wait, and those of
   * different keys (or runs, without a key) take turns. A call is under way until it has settled or
   * its `timeoutMs` has passed, even when its run has ended. Default: unlimited.
   */
  concurrency?: number | undefined;
  /** Checks the array of arguments; what it returns is what the function gets. */
  validate?: StandardSchema | undefined;
  /**
   * TypeScript parameters and result for `pool.describe()`, e.g. `(id: number): Promise<User>`.
   * Default: the parameters that the validator tells of, and an unknown result.
   */
  signature?: string | undefined;
  /** What it does, for `pool.describe()`: becomes the comment above it. */
  description?: string | undefined;
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

/** What a host function may be defined with. */
export const HOST_FUNCTION_KEYS = [
  "fn",
  "timeoutMs",
  "maxCallsPerRun",
  "concurrency",
  "validate",
  "signature",
  "description",
] as const;
const MAXIMUM_NESTING = 8;
const MAXIMUM_PATH_LENGTH = 256;
/** Timers of the platforms count milliseconds in 31 bits. */
const MAXIMUM_MS = 2 ** 31 - 1;

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
    if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) || key === "__proto__") {
      throw invalid(`host.${name}: a name must be an identifier, and not __proto__.`);
    }
    if (name.length > MAXIMUM_PATH_LENGTH) {
      const start = name.slice(0, 40);
      throw invalid(`host.${start}… is longer than ${MAXIMUM_PATH_LENGTH} characters.`);
    }
    if (property === undefined || !("value" in property)) {
      throw invalid(`host.${name} is a getter. Pass the function itself.`);
    }
    const value: unknown = property.value;
    if (typeof value === "function") prepared.push({ name, fn: value as HostFunction });
    else if (isOptions(value)) prepared.push(prepareOptions(name, value));
    else prepared.push(...prepareHosts(value, name, depth + 1));
  }
  if (prepared.length === 0 && depth > 0) {
    throw invalid(
      `${label} has no functions of its own. Methods of a class are its prototype's: pass those that guests may call, ` +
        `e.g. { query: (text) => database.query(text) }.`,
    );
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
  const keys: readonly string[] = HOST_FUNCTION_KEYS;
  for (const key of Object.keys(options)) {
    if (keys.includes(key)) continue;
    throw invalid(
      `host.${name} has a function "fn", so the rest are its options, and there is none called "${key}". ` +
        `They are ${keys.slice(1).join(", ")}. (To give guests host.${name}.fn, write { fn: { fn } }.)`,
    );
  }
  for (const key of ["timeoutMs", "maxCallsPerRun", "concurrency"] as const) {
    const value = options[key];
    if (value === undefined) continue;
    const maximum = key === "timeoutMs" ? MAXIMUM_MS : Number.MAX_SAFE_INTEGER;
    if (Number.isInteger(value) && value > 0 && value <= maximum) continue;
    const most = key === "timeoutMs" ? ` of at most ${maximum}` : "";
    throw invalid(`host.${name}: ${key} must be a positive whole number${most}.`);
  }
  const { validate } = options;
  if (validate !== undefined && typeof validate?.["~standard"]?.validate !== "function") {
    throw invalid(
      `host.${name}: validate must be a Standard Schema, e.g. of zod, valibot or arktype.`,
    );
  }
  return { ...options, name };
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
