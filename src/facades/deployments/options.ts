/** Options of deployments: defaults, and what is refused. */
import type { Environment } from "../../environments/contract.ts";
import { checkKeys, invalid, MAXIMUM_MS, whole } from "../../pool/option-checks.ts";
import type { PoolOptions } from "../../pool/options.ts";
import type { BundleFiles, BundleLimits, MetaCallConfiguration } from "./bundle.ts";

/** What a deployment's pool of workers may be told; see `createPool`. */
export type DeploymentPoolOptions = Pick<
  PoolOptions,
  | "environment"
  | "workers"
  | "limits"
  | "queue"
  | "isolation"
  | "engine"
  | "restart"
  | "quarantine"
  | "recycle"
  | "memory"
  | "maxInFlightPerWorker"
  | "maxParkedPerWorker"
  | "webApis"
  | "fetch"
  | "host"
  | "constants"
  | "dependencies"
  | "telemetry"
  | "startTimeoutMs"
  | "installTimeoutMs"
>;

/** Options of `Deployments`; those of pools are the defaults for each deployment. */
export interface DeploymentsOptions extends DeploymentPoolOptions {
  /**
   * Where each deployment's worker runs: `"child-process"` (default), `"worker-threads"`, or any
   * environment that `createPool` takes.
   */
  environment?: string | Environment | undefined;
  /** The first part of every address. Default: the host's name. */
  prefix?: string | undefined;
  /** Deployments at the same time. Default 100. */
  maxDeployments?: number | undefined;
  /** Files of a bundle. Default 1,000. */
  maxFiles?: number | undefined;
  /** Characters of a bundle's files together. Default 16 MiB. */
  maxBytes?: number | undefined;
  /** Milliseconds that calls have to finish when what they run on is replaced. Default 30,000. */
  drainTimeoutMs?: number | undefined;
}

/** What to deploy, and as what. */
export interface DeploymentInput extends DeploymentPoolOptions {
  /** The deployment's name, and a part of its address. One of that name is replaced. */
  suffix: string;
  /** Default `v1`. */
  version?: string | undefined;
  /** The bundle, as texts by path. */
  files?: BundleFiles | undefined;
  /** Instead: a folder of this machine, of which JavaScript, TypeScript and JSON are read. */
  path?: string | undefined;
  /** Configurations beside the bundle's `metacall.json`. */
  jsons?: readonly MetaCallConfiguration[] | undefined;
  /** Where npm packages are found. Default: `path`, or the current folder. */
  packagesFrom?: string | undefined;
}

/** Options with every default filled in. */
export interface DeploymentsSettings {
  prefix: string;
  maxDeployments: number;
  bundle: BundleLimits;
  drainTimeoutMs: number;
  pool: DeploymentPoolOptions;
}

const POOL_KEYS: readonly string[] = [
  "environment",
  "workers",
  "limits",
  "queue",
  "isolation",
  "engine",
  "restart",
  "quarantine",
  "recycle",
  "memory",
  "maxInFlightPerWorker",
  "maxParkedPerWorker",
  "webApis",
  "fetch",
  "host",
  "constants",
  "dependencies",
  "telemetry",
  "startTimeoutMs",
  "installTimeoutMs",
] satisfies (keyof DeploymentPoolOptions)[];
const OWN_KEYS = ["prefix", "maxDeployments", "maxFiles", "maxBytes", "drainTimeoutMs"];
const INPUT_KEYS = ["suffix", "version", "files", "path", "jsons", "packagesFrom"];
/** Groups of which a deployment may change a part. */
const GROUPS = ["limits", "queue", "restart"] as const;

/** Checks options and fills in the defaults. Throws `invalid-argument`. */
export function resolveDeployments(
  options: DeploymentsOptions,
  hostName: string,
): DeploymentsSettings {
  checkKeys(options, "new Deployments", [...POOL_KEYS, ...OWN_KEYS]);
  function count(key: "maxDeployments" | "maxFiles" | "maxBytes", fallback: number): number {
    return whole(options[key], key, fallback, { min: 1, max: Number.MAX_SAFE_INTEGER });
  }
  return {
    prefix: checkPart("prefix", options.prefix ?? hostName),
    maxDeployments: count("maxDeployments", 100),
    bundle: { maxFiles: count("maxFiles", 1_000), maxBytes: count("maxBytes", 16 * 2 ** 20) },
    drainTimeoutMs: whole(options.drainTimeoutMs, "drainTimeoutMs", 30_000, {
      min: 0,
      max: MAXIMUM_MS,
    }),
    pool: poolOptionsIn(options),
  };
}

/** Checks what to deploy, but for its files. Throws `invalid-argument`. */
export function checkInput(input: DeploymentInput): void {
  checkKeys(input, "deploy", [...POOL_KEYS, ...INPUT_KEYS]);
  checkPart("suffix", input.suffix);
  checkPart("version", input.version ?? "v1");
  if ((input.files === undefined) === (input.path === undefined)) {
    throw invalid("deploy: give either files or a path.");
  }
  for (const key of ["path", "packagesFrom"] as const) {
    if (input[key] !== undefined && (typeof input[key] !== "string" || input[key] === "")) {
      throw invalid(`deploy: ${key} must be a folder.`);
    }
  }
}

/** What a deployment's pool is told: its own options, then the defaults of all, then ours. */
export function poolOptionsFor(
  defaults: DeploymentPoolOptions,
  input: DeploymentInput,
): DeploymentPoolOptions {
  const own = poolOptionsIn(input);
  const merged: DeploymentPoolOptions = {
    environment: "child-process",
    workers: 1,
    ...defaults,
    ...own,
  };
  for (const key of GROUPS) {
    const group: unknown = own[key];
    // What is no group is left as it is, for the pool to refuse.
    if (typeof group !== "object" || group === null) continue;
    Object.assign(merged, { [key]: { ...defaults[key], ...group } });
  }
  // A call that had begun when its worker crashed is rejected, for it may be what crashed it.
  return { ...merged, restart: { maxAttemptsPerRun: 1, ...merged.restart } };
}

function poolOptionsIn(options: DeploymentPoolOptions): DeploymentPoolOptions {
  const entries = Object.entries(options).filter(
    ([key, value]) => POOL_KEYS.includes(key) && value !== undefined,
  );
  return Object.fromEntries(entries);
}

/** A part of an address: nothing that a URL would have to escape, or take for a folder. */
function checkPart(label: string, value: unknown): string {
  if (typeof value === "string" && /^[A-Za-z0-9][\w.-]{0,127}$/.test(value)) return value;
  throw invalid(
    `${label} must be letters, digits, dots, dashes and underscores, 128 at most, a letter or ` +
      "digit first.",
  );
}
