/** The facade's options: their defaults, their checks, and what the pool makes of them. */
import { SkepError } from "../../errors.ts";
import { checkKeys, display, group, MAXIMUM_MS, whole } from "../../pool/option-checks.ts";
import type { PoolOptions } from "../../pool/options.ts";
import { getDefaultPoolSize } from "./capabilities.ts";

/** `singlefile`: no files. `wasmfs`: files that all sandboxes of the pool share. */
export type WorkerPoolVariant = "singlefile" | "wasmfs";

/** What sandboxes may use, beside time. */
export interface WorkerPoolContextLimits {
  /** The sandbox heap's hard maximum in bytes. Default 64 MiB. */
  memoryLimitBytes?: number | undefined;
  /** Bytes of engine stack. Default and maximum: what the environment's threads can carry. */
  maxStackSizeBytes?: number | undefined;
}

/** Options of `newWorkerPool`. */
export interface WorkerPoolOptions {
  /** Workers, started as they are needed. Default: `getDefaultPoolSize()`. */
  poolSize?: number | undefined;
  /** Default `"singlefile"`. */
  variant?: WorkerPoolVariant | undefined;
  /** Where guests find the files of `variant: "wasmfs"`. Default `"/data"`. */
  opfsMountPath?: string | undefined;
  /** A directory of the host for the files of `variant: "wasmfs"` (Node). Default: in memory. */
  filesDirectory?: string | undefined;
  /** Start all workers at once, and wait for them. Default false. */
  preWarm?: boolean | undefined;
  /** Milliseconds a task may take that has no `timeout`; 0 (default) is no limit. */
  defaultTimeout?: number | undefined;
  /** Tasks that may wait for a worker; 0 (default) is as many as come. */
  maxQueueSize?: number | undefined;
  /** Reject with `MultiThreadingNotSupportedError` where there can be no threads. Default false. */
  forceMultiThreaded?: boolean | undefined;
  /** Run everything in this thread. Default false. */
  forceSingleThreaded?: boolean | undefined;
  /** Write what happens to the console. Default false. */
  verbose?: boolean | undefined;
  /** What sandboxes may use. */
  contextOptions?: WorkerPoolContextLimits | undefined;
  /** Guest source that is part of every sandbox: it is evaluated once in each worker. */
  bootstrapCode?: string | undefined;
}

/** Options with every default filled in. */
export interface WorkerPoolSettings {
  poolSize: number;
  variant: WorkerPoolVariant;
  opfsMountPath: string;
  filesDirectory: string | undefined;
  preWarm: boolean;
  defaultTimeoutMs: number;
  maxQueueSize: number;
  forceMultiThreaded: boolean;
  forceSingleThreaded: boolean;
  verbose: boolean;
  memoryBytes: number | undefined;
  stackBytes: number | undefined;
  bootstrapCode: string | undefined;
}

export const OPTION_KEYS: readonly string[] = (
  "poolSize variant opfsMountPath filesDirectory preWarm defaultTimeout maxQueueSize forceMultiThreaded " +
  "forceSingleThreaded verbose contextOptions bootstrapCode"
).split(" ");

/** Options of the systems this one stands in for, that have nothing to be said to here. */
const REFUSED: Readonly<Record<string, string>> = {
  wasmLocation: "the engine is part of this package, and found beside its modules",
  workerUrl: "the worker's code is part of this package, and found beside its modules",
};
const TASK_KEYS = ["timeout", "filename", "priority"];
const CONTEXT_KEYS = ["memoryLimitBytes", "maxStackSizeBytes"];
const MAXIMUM_WORKERS = 1024;

/** Options of a task. */
export interface TaskOptions {
  /** Milliseconds it may run; 0 is no limit. Default: the pool's `defaultTimeout`. */
  timeout?: number | undefined;
  /** The name that stack traces show. */
  filename?: string | undefined;
  /** Waiting tasks of a higher priority come first. A whole number; default 0. */
  priority?: number | undefined;
}

/** Checks the options of a pool and fills in defaults. Throws `invalid-argument`. */
export function resolveSettings(
  options: WorkerPoolOptions,
  label = "newWorkerPool",
  keys: readonly string[] = OPTION_KEYS,
): WorkerPoolSettings {
  refuse(options);
  checkKeys(options, label, keys);
  const context = contextOptions(options.contextOptions);
  const { bootstrapCode } = options;
  if (bootstrapCode !== undefined && typeof bootstrapCode !== "string") {
    throw invalid("bootstrapCode must be source text.");
  }
  const settings: WorkerPoolSettings = {
    poolSize: whole(options.poolSize, "poolSize", Math.min(getDefaultPoolSize(), MAXIMUM_WORKERS), {
      min: 1,
      max: MAXIMUM_WORKERS,
    }),
    variant: variantOf(options.variant),
    opfsMountPath: mountPath(options.opfsMountPath),
    filesDirectory: directoryOf(options),
    preWarm: flag(options, "preWarm"),
    defaultTimeoutMs: timeoutOf(options.defaultTimeout, "defaultTimeout", 0),
    maxQueueSize: whole(options.maxQueueSize, "maxQueueSize", 0, {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    forceMultiThreaded: flag(options, "forceMultiThreaded"),
    forceSingleThreaded: flag(options, "forceSingleThreaded"),
    verbose: flag(options, "verbose"),
    ...context,
    bootstrapCode,
  };
  if (settings.forceMultiThreaded && settings.forceSingleThreaded) {
    throw invalid(
      "forceMultiThreaded and forceSingleThreaded exclude each other: set one of them.",
    );
  }
  return settings;
}

/** Checks the options of a task. Throws `invalid-argument`. */
export function checkTask(
  task: TaskOptions,
  label: string,
  extraKeys: readonly string[] = [],
): void {
  checkKeys(task, label, [...extraKeys, ...TASK_KEYS]);
  if (extraKeys.includes("code") && typeof (task as { code?: unknown }).code !== "string") {
    throw invalid(`${label}: code must be source text.`);
  }
  timeoutOf(task.timeout, "timeout", 0);
  whole(task.priority, "priority", 0, {
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  });
}

/** The pool's options for these settings. */
export function poolOptions(settings: WorkerPoolSettings, environment: string): PoolOptions {
  return {
    workers: settings.preWarm ? settings.poolSize : 1,
    environment,
    limits: {
      timeoutMs: settings.defaultTimeoutMs,
      memoryBytes: settings.memoryBytes,
      stackBytes: settings.stackBytes,
    },
    // How many tasks may wait is for the facade to say, which knows of workers that are yet to come.
    queue: { max: 0 },
    // A task has its worker to itself until it has ended, also while it waits for a timer.
    maxInFlightPerWorker: 1,
    maxParkedPerWorker: 0,
    // Callers of this interface know no such error.
    quarantine: false,
  };
}

function refuse(options: WorkerPoolOptions): void {
  if (typeof options !== "object" || options === null) return;
  for (const [key, reason] of Object.entries(REFUSED)) {
    if ((options as Record<string, unknown>)[key] === undefined) continue;
    throw invalid(`There is no option "${key}" here: ${reason}. Leave it out.`);
  }
}

function contextOptions(value: unknown): Pick<WorkerPoolSettings, "memoryBytes" | "stackBytes"> {
  if (typeof value === "object" && value !== null && "intrinsics" in value) {
    throw invalid(
      "contextOptions.intrinsics: every sandbox has all of the language. To do without a part of " +
        "it, take it away in bootstrapCode, e.g. delete globalThis.Proxy.",
    );
  }
  const given = group(value, "contextOptions", CONTEXT_KEYS);
  return {
    memoryBytes: given["memoryLimitBytes"] as number | undefined,
    stackBytes: given["maxStackSizeBytes"] as number | undefined,
  };
}

function variantOf(variant: unknown = "singlefile"): WorkerPoolVariant {
  if (variant === "singlefile" || variant === "wasmfs") return variant;
  throw invalid(`variant must be "singlefile" or "wasmfs", not ${display(variant)}.`);
}

function mountPath(path: unknown = "/data"): string {
  if (typeof path === "string" && path.startsWith("/")) return path;
  throw invalid(`opfsMountPath must be an absolute path such as "/data", not ${display(path)}.`);
}

function directoryOf({ filesDirectory, variant }: WorkerPoolOptions): string | undefined {
  if (filesDirectory === undefined) return undefined;
  if (typeof filesDirectory !== "string" || filesDirectory === "") {
    throw invalid(`filesDirectory must be a path, not ${display(filesDirectory)}.`);
  }
  if (variant === "wasmfs") return filesDirectory;
  throw invalid('filesDirectory is for variant: "wasmfs": other sandboxes have no files.');
}

function timeoutOf(value: unknown, label: string, fallback: number): number {
  return whole(value, label, fallback, { min: 0, max: MAXIMUM_MS });
}

function flag(options: WorkerPoolOptions, key: keyof WorkerPoolOptions): boolean {
  const value: unknown = options[key];
  if (value !== undefined && typeof value !== "boolean") {
    throw invalid(`${key} must be true or false, not ${display(value)}.`);
  }
  return value === true;
}

export function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
