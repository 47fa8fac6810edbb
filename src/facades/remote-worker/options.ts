/** Options of `joinServer`: their defaults and their checks. */
import type { Environment } from "../../environments/contract.ts";
import { type Clock, systemClock } from "../../pool/clock.ts";
import { checkKeys, group, invalid, milliseconds, whole } from "../../pool/option-checks.ts";
import type { Permissions } from "./lane.ts";
import type { LendingPlatform } from "./platform.ts";

/** What a machine says of itself beside the workers it lends; see `WorkerCapabilities`. */
export interface LenderCapabilities {
  /** Models that requests may ask for. Default: none. */
  models?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Requests it takes at the same time, lent workers included. Default: `workers`. */
  maxConcurrentRequests?: number | undefined;
  /** Requests it takes at the same time by category. */
  concurrencyLimits?: Readonly<Record<string, number>> | undefined;
  /** Whatever else the server's owner wants to know. `skep` is taken. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** How attempts to reconnect are paced. */
export interface ReconnectOptions {
  /** Milliseconds before the first attempt, doubled for each further one. Default 250. */
  baseDelayMs?: number | undefined;
  /** The most milliseconds the doubling leads to. Default 30,000. */
  maxDelayMs?: number | undefined;
  /** Up to this many milliseconds are added at random. Default 1,000. */
  jitterMs?: number | undefined;
}

/** Options of `joinServer`. */
export interface JoinOptions {
  /** The server, with `ws:` or `wss:`. */
  url: string | URL;
  /** What the server asks of workers; it is sent as text, so use `wss:` beyond your own network. */
  token?: string | undefined;
  /** What the server calls this machine. Default "skep". */
  name?: string | undefined;
  /** Identifies this machine at the server, which keeps one connection for each. Default: random. */
  id?: string | undefined;
  /** Workers to lend at the same time. Default: one per core but one, at least 1. */
  workers?: number | undefined;
  capabilities?: LenderCapabilities | undefined;
  /**
   * Where the workers run: a name that this platform's pools know, or an environment. Default:
   * threads.
   */
  environment?: string | Environment | undefined;
  /** Whether a server may have workers load host modules, with this process's rights. Default false. */
  allowHostModules?: boolean | undefined;
  /** Whether guests may make requests from here, where their pool has a policy. Default false. */
  allowFetch?: boolean | undefined;
  /**
   * In Node: drains when the process is asked to end (SIGTERM), instead of ending at once. Default
   * false. A page always tells the server when it goes.
   */
  drainOnSigterm?: boolean | undefined;
  /** Milliseconds that draining may take. Default 30,000. */
  drainTimeoutMs?: number | undefined;
  /** Milliseconds a connection may take until it is registered. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Milliseconds without a word of the server after which it is gone. Default: three heartbeats. */
  serverTimeoutMs?: number | undefined;
  reconnect?: ReconnectOptions | undefined;
  /** The most bytes of one frame, and of what may wait to be sent. Default 64 MiB. */
  maxFrameBytes?: number | undefined;
  /** What tells the time, for tests. */
  clock?: Clock | undefined;
}

/** Options with every default filled in. */
export interface JoinSettings {
  url: string;
  /** The same for messages: without what may be secret in it. */
  shownUrl: string;
  token: string | undefined;
  name: string;
  id: string;
  workers: number;
  capabilities: LenderCapabilities;
  environment: Environment;
  permissions: Permissions;
  drainOnSigterm: boolean;
  drainTimeoutMs: number;
  connectTimeoutMs: number;
  /** Undefined: depends on the heartbeats that the server asks for. */
  serverTimeoutMs: number | undefined;
  reconnect: { baseDelayMs: number; maxDelayMs: number; jitterMs: number };
  maxFrameBytes: number;
  clock: Clock;
}

const LABEL = "joinServer";
const KEYS = (
  "url token name id workers capabilities environment allowHostModules allowFetch drainOnSigterm " +
  "drainTimeoutMs connectTimeoutMs serverTimeoutMs reconnect maxFrameBytes clock"
).split(" ");
const CAPABILITY_KEYS = ["models", "maxConcurrentRequests", "concurrencyLimits", "metadata"];
const MAXIMUM_WORKERS = 1_024;
const MAXIMUM_FRAME_BYTES = 2 ** 32 - 1;

/** Checks options and fills in the defaults. Throws `invalid-argument`. */
export function resolveOptions(options: JoinOptions, platform: LendingPlatform): JoinSettings {
  checkKeys(options, LABEL, KEYS);
  const reconnect = group(options.reconnect, `${LABEL}: reconnect`, [
    "baseDelayMs",
    "maxDelayMs",
    "jitterMs",
  ]);
  const count = (key: string, fallback: number): number =>
    whole(reconnect[key], `${LABEL}: reconnect.${key}`, fallback, { min: 0, max: 2 ** 31 - 1 });
  const name = text(options.name, "name") ?? "skep";
  const { serverTimeoutMs } = options;
  const url = address(options.url);
  return {
    url: url.href,
    shownUrl: `${url.protocol}//${url.host}${url.pathname}`,
    token: text(options.token, "token"),
    name,
    id: text(options.id, "id") ?? `${name.slice(0, 200)}-${randomId()}`,
    workers: whole(options.workers, `${LABEL}: workers`, Math.max(1, platform.cores - 1), {
      min: 1,
      max: MAXIMUM_WORKERS,
    }),
    capabilities: group(options.capabilities, `${LABEL}: capabilities`, CAPABILITY_KEYS),
    environment: environmentOf(options.environment, platform),
    permissions: {
      hostModules: flag(options.allowHostModules, "allowHostModules"),
      fetch: flag(options.allowFetch, "allowFetch"),
    },
    drainOnSigterm: flag(options.drainOnSigterm, "drainOnSigterm"),
    drainTimeoutMs: milliseconds(options.drainTimeoutMs, `${LABEL}: drainTimeoutMs`, 30_000),
    connectTimeoutMs: milliseconds(options.connectTimeoutMs, `${LABEL}: connectTimeoutMs`, 10_000),
    serverTimeoutMs:
      serverTimeoutMs === undefined
        ? undefined
        : milliseconds(serverTimeoutMs, `${LABEL}: serverTimeoutMs`, 0),
    reconnect: {
      baseDelayMs: count("baseDelayMs", 250),
      maxDelayMs: count("maxDelayMs", 30_000),
      jitterMs: count("jitterMs", 1_000),
    },
    maxFrameBytes: whole(options.maxFrameBytes, `${LABEL}: maxFrameBytes`, 64 * 2 ** 20, {
      min: 2 ** 16,
      max: MAXIMUM_FRAME_BYTES,
    }),
    clock: options.clock ?? systemClock,
  };
}

/** Errors show no more of an address than how it begins: it may have secrets in it. */
function address(url: unknown): URL {
  const text = String(url);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol === "ws:" || parsed?.protocol === "wss:") return parsed;
  const shown = parsed === undefined ? "what is no URL" : `"${parsed.protocol}//${parsed.host}"`;
  throw invalid(`${LABEL}: url must start with ws:// or wss://, not ${shown}.`);
}

function text(value: unknown, key: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`${LABEL}: ${key} must be text that is not empty.`);
}

function flag(value: unknown, key: string): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw invalid(`${LABEL}: ${key} must be true or false.`);
}

function environmentOf(value: unknown, platform: LendingPlatform): Environment {
  const { environments, defaultEnvironment } = platform;
  const given = value ?? defaultEnvironment;
  if (typeof given === "string") {
    const known = Object.hasOwn(environments, given) ? environments[given] : undefined;
    if (known !== undefined) return known;
    const names = Object.keys(environments).join(", ");
    throw invalid(`${LABEL}: there is no environment "${given}" here. Use ${names}.`);
  }
  const own = given as Environment;
  if (typeof own === "object" && typeof own.open === "function") return own;
  throw invalid(`${LABEL}: environment must be a name or an object with an open() method.`);
}

/** Not `crypto.randomUUID`: pages that were not served securely lack it. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
