/** The pool's options: defaults, and what is refused. */
import type { Environment, Platform } from "../environments/contract.ts";
import { SkepError } from "../errors.ts";
import type { EngineName, Isolation } from "../protocol/control.ts";
import type { FetchPolicy } from "../protocol/fetch-policy.ts";
import { EXTRA_WEB_API_NAMES, WEB_API_NAMES, type WebApiName } from "../protocol/web-apis.ts";
import { DEFINITION_KINDS, type Definitions, type FunctionTable } from "../registry/definitions.ts";
import type { SourceText } from "../registry/source-text.ts";
import type { RestartOptions } from "./backoff.ts";
import { type FetchOptions, resolveFetch } from "./fetch-options.ts";
import type { FilesOptions } from "./files/settings.ts";
import { LIMIT_KEYS, type LimitOptions, type Limits, resolveLimits } from "./limits.ts";
import {
  checkKeys,
  display,
  group,
  invalid,
  MAXIMUM_MS,
  milliseconds,
  whole,
} from "./option-checks.ts";
import type { RunOptions } from "./run.ts";
import {
  resolveSupervision,
  type SupervisionOptions,
  type SupervisionSettings,
} from "./supervision-options.ts";
import { resolveTelemetry } from "./telemetry-options.ts";
import type { TelemetryOptions } from "./trace.ts";

/** Options of `createPool`. */
export interface PoolOptions<Functions = FunctionTable>
  extends Definitions<Functions>, SupervisionOptions {
  /**
   * Workers to run. Default: one per core but one, at least 1. An environment without threads has
   * one worker, whatever this says.
   */
  workers?: number | undefined;
  /**
   * Where workers run: `"auto"` (default), `"worker-threads"` (Node), `"web-worker"` (browser),
   * `"in-thread"`, or an environment of your own.
   */
  environment?: string | Environment | undefined;
  /** `"auto"` (default) is `"sync"`; `"asyncify"` is 2-4 times slower, and the same otherwise. */
  engine?: "auto" | EngineName | undefined;
  /**
   * `"call"` (default): every run gets a fresh sandbox. `"worker"`: the runs of a worker share
   * one, so that globals persist until the worker ends.
   */
  isolation?: Isolation | undefined;
  limits?: LimitOptions | undefined;
  queue?: QueueOptions | undefined;
  /** Runs sent to a worker that execute or are about to; the rest waits in the queue. Default 64. */
  maxInFlightPerWorker?: number | undefined;
  /**
   * Runs of a worker that await a timer or a host function, beside those of
   * `maxInFlightPerWorker`. Each keeps what its sandbox has of its own in memory. Default 1,000.
   */
  maxParkedPerWorker?: number | undefined;
  restart?: Partial<RestartOptions> | undefined;
  /**
   * What sandboxes have besides the language: `"all"` (default), `"none"`, or a list of `console`,
   * `timers`, `microtasks`, `structuredClone`, `encoding`, `url`, `base64`, `crypto`,
   * `performance`, `events`, `abort` (with `events` and `timers`), and `http` (Headers, Request,
   * Response, with `url` and `abort`), which `"all"` leaves out and `fetch` brings.
   */
  webApis?: "all" | "none" | readonly WebApiName[] | undefined;
  /**
   * Gives guests `fetch`, and says where to. Without it they have none. Requests are made by the
   * workers, without credentials, and every redirect is checked anew.
   */
  fetch?: FetchOptions | undefined;
  /**
   * Gives guests files that all of the pool's sandboxes share: the globals `std`, `os` and `fs`, and
   * `pool.files` for the host. Without it there are none.
   */
  files?: FilesOptions | undefined;
  /**
   * Makes OpenTelemetry spans of runs and host calls: the namespace of `@opentelemetry/api`, or its
   * `trace` and `context` with a `tracer` of your own. Without it nothing is recorded.
   */
  telemetry?: TelemetryOptions | undefined;
  /**
   * Signs the images that sessions are saved in, and refuses those that are not signed with it.
   * Without it whoever can change an image can make a sandbox what they like, though nothing else.
   */
  secret?: string | Uint8Array | undefined;
  /**
   * What `pool.image()` of a pool made: its definitions are there and need not be evaluated again.
   * Host functions must be given in `host`; what is defined besides comes on top.
   */
  image?: Uint8Array | undefined;
  /**
   * Guest source evaluated once, before everything that is defined; in TypeScript as
   * `{ source, language: "ts" }`.
   */
  bootstrap?: string | SourceText | undefined;
  /** Milliseconds a worker may take to load and to start its engine. Default 10,000. */
  startTimeoutMs?: number | undefined;
  /** Milliseconds a definition's own code may run in a worker. Default 10,000. */
  installTimeoutMs?: number | undefined;
  /** Milliseconds that `close()` waits for runs in flight. Default 10,000. */
  closeTimeoutMs?: number | undefined;
}

export interface QueueOptions {
  /** Runs that may wait; 0 is unbounded. Default 10,000. A full queue refuses with `queue-full`. */
  max?: number | undefined;
  /**
   * Of those, runs of one key; 0 (default) is as many as fit. With it, no key can fill the queue
   * for the others.
   */
  maxPerKey?: number | undefined;
}

/** Options with every default filled in. */
export interface PoolSettings extends SupervisionSettings {
  workers: number;
  environment: Environment;
  /** What the user should be told about the environment that was chosen. */
  warning: string | undefined;
  engine: EngineName;
  isolation: Isolation;
  webApis: WebApiName[];
  fetch: FetchPolicy | undefined;
  limits: Limits;
  queueMax: number;
  queueMaxPerKey: number;
  maxInFlightPerWorker: number;
  maxParkedPerWorker: number;
  restart: RestartOptions;
  telemetry: TelemetryOptions | undefined;
  secret: string | Uint8Array | undefined;
  startTimeoutMs: number;
  installTimeoutMs: number;
  closeTimeoutMs: number;
}

const MAXIMUM_WORKERS = 1024;
/** Run slots are flags in a shared block. */
const MAXIMUM_IN_FLIGHT = 65_536;

const POOL_KEYS = (
  "workers environment engine isolation limits queue maxInFlightPerWorker maxParkedPerWorker restart " +
  "quarantine recycle memory " +
  "bootstrap image secret webApis fetch files telemetry startTimeoutMs installTimeoutMs closeTimeoutMs " +
  "functions constants " +
  "dependencies host"
).split(" ");
const QUEUE_KEYS = ["max", "maxPerKey"];
const RESTART_KEYS =
  "maxPerWorker baseDelayMs maxDelayMs jitterMs healthyAfterMs maxAttemptsPerRun".split(" ");
const RUN_KEYS = [...LIMIT_KEYS, "signal", "priority", "key", "transfer"];
const SOURCE_KEYS = ["type", "filename", "language", "modules", "imports", "globals"];
const EVAL_KEYS = [...RUN_KEYS.filter((key) => key !== "transfer"), ...SOURCE_KEYS];

/** Checks the options of a pool and fills in defaults. Throws `invalid-argument`. */
export function resolveOptions(platform: Platform, options: PoolOptions): PoolSettings {
  checkKeys(options, "createPool", POOL_KEYS);
  const queue = group(options.queue, "queue", QUEUE_KEYS);
  const restart = group(options.restart, "restart", RESTART_KEYS);
  const { bootstrap } = options;
  // Its properties are checked by whoever takes the types out.
  if (bootstrap === null || !["undefined", "string", "object"].includes(typeof bootstrap)) {
    throw invalid("bootstrap must be source text, or { source, language }.");
  }
  if (options.image !== undefined && options.bootstrap !== undefined) {
    throw invalid("An image has its bootstrap in it: give one or the other.");
  }
  const { environment, warning } = resolveEnvironment(platform, options.environment);
  const workers = whole(options.workers, "workers", Math.max(1, platform.cores - 1), {
    min: 1,
    max: MAXIMUM_WORKERS,
  });
  const engine = resolveEngine(options.engine);
  return {
    workers: environment.threaded ? workers : 1,
    environment,
    warning,
    engine,
    isolation: resolveIsolation(options.isolation),
    webApis: resolveWebApis(options.webApis),
    fetch: resolveFetch(options.fetch),
    limits: resolveLimits(options.limits, environment, engine),
    queueMax: whole(queue["max"], "queue.max", 10_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    queueMaxPerKey: whole(queue["maxPerKey"], "queue.maxPerKey", 0, {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    maxInFlightPerWorker: whole(options.maxInFlightPerWorker, "maxInFlightPerWorker", 64, {
      min: 1,
      max: MAXIMUM_IN_FLIGHT,
    }),
    maxParkedPerWorker: whole(options.maxParkedPerWorker, "maxParkedPerWorker", 1_000, {
      min: 0,
      max: MAXIMUM_IN_FLIGHT,
    }),
    restart: resolveRestart(restart),
    ...resolveSupervision(options),
    telemetry: resolveTelemetry(options.telemetry),
    secret: resolveSecret(options.secret),
    startTimeoutMs: milliseconds(options.startTimeoutMs, "startTimeoutMs", 10_000),
    installTimeoutMs: milliseconds(options.installTimeoutMs, "installTimeoutMs", 10_000),
    closeTimeoutMs: whole(options.closeTimeoutMs, "closeTimeoutMs", 10_000, {
      min: 0,
      max: MAXIMUM_MS,
    }),
  };
}

/** The options' part that `define()` would take. */
export function definitionsIn(options: PoolOptions): Definitions {
  const kinds = [...DEFINITION_KINDS, "host"].filter((kind) => Object.hasOwn(options, kind));
  return Object.fromEntries(kinds.map((kind) => [kind, options[kind as keyof PoolOptions]]));
}

/** Checks the options of a run. Throws `invalid-argument`. */
export function checkRunOptions(options: RunOptions, keys: "run" | "eval"): void {
  checkKeys(options, keys, keys === "run" ? RUN_KEYS : EVAL_KEYS);
  const { signal, priority, key, transfer } = options;
  whole(priority, "priority", 0, {
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  });
  if (key !== undefined && typeof key !== "string") throw invalid("key must be a string.");
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw invalid("signal must be an AbortSignal.");
  }
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw invalid("transfer must be a list of ArrayBuffers.");
  }
}

function resolveEnvironment(
  platform: Platform,
  environment: unknown = "auto",
): { environment: Environment; warning?: string | undefined } {
  if (environment === "auto") return platform.automatic();
  if (typeof environment === "string") {
    const known = Object.hasOwn(platform.environments, environment)
      ? platform.environments[environment]
      : undefined;
    if (known !== undefined) return { environment: known };
    const names = ["auto", ...Object.keys(platform.environments)];
    throw new SkepError(
      "unsupported-environment",
      `The environment "${environment}" does not exist here. Use ${names.join(", ")}.`,
    );
  }
  const own = environment as Environment | null;
  if (typeof own === "object" && own !== null && typeof own.open === "function") {
    return { environment: own };
  }
  throw invalid("environment must be a name or an object with an open() method.");
}

function resolveSecret(secret: unknown): string | Uint8Array | undefined {
  if (secret === undefined) return undefined;
  if ((typeof secret === "string" || secret instanceof Uint8Array) && secret.length > 0) {
    return secret;
  }
  throw invalid("secret must be a text or bytes, and not empty.");
}

function resolveEngine(engine: unknown = "auto"): EngineName {
  if (engine === "auto" || engine === "sync") return "sync";
  if (engine === "asyncify") return "asyncify";
  throw invalid('engine must be "auto", "sync" or "asyncify".');
}

function resolveIsolation(isolation: unknown = "call"): Isolation {
  if (isolation === "call" || isolation === "worker") return isolation;
  throw invalid('isolation must be "call" or "worker".');
}

function resolveWebApis(webApis: unknown = "all"): WebApiName[] {
  if (webApis === "all") return [...WEB_API_NAMES];
  if (webApis === "none") return [];
  const known: readonly unknown[] = [...WEB_API_NAMES, ...EXTRA_WEB_API_NAMES];
  const names = `"all", "none" or a list of ${known.join(", ")}`;
  if (!Array.isArray(webApis)) throw invalid(`webApis must be ${names}.`);
  for (const name of webApis as unknown[]) {
    if (known.includes(name)) continue;
    const instead = name === "fetch" ? FETCH_INSTEAD : "";
    throw invalid(`webApis: there is no web API ${display(name)}. ${instead}It must be ${names}.`);
  }
  return [...(webApis as WebApiName[])];
}

const FETCH_INSTEAD =
  'It comes with a policy: createPool({ fetch: { allow: ["https://api.example.com"] } }). ';

function resolveRestart(restart: Record<string, unknown>): RestartOptions {
  function option(key: string, fallback: number, min: number, max: number = MAXIMUM_MS): number {
    return whole(restart[key], `restart.${key}`, fallback, { min, max });
  }
  return {
    maxPerWorker: option("maxPerWorker", 3, 0),
    baseDelayMs: option("baseDelayMs", 100, 0),
    maxDelayMs: option("maxDelayMs", 5_000, 0),
    jitterMs: option("jitterMs", 100, 0),
    healthyAfterMs: option("healthyAfterMs", 60_000, 0),
    maxAttemptsPerRun: option("maxAttemptsPerRun", 3, 1),
  };
}
