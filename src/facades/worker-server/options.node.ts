/** A server's options: their defaults and their checks. */
import { type Clock, systemClock } from "../../pool/clock.ts";
import { checkKeys, invalid, milliseconds, whole } from "../../pool/option-checks.ts";
import { safeLogger, type WorkerServerLogger } from "./logging.ts";
import type { ModelMatching } from "./selection.node.ts";

/** Options of `WorkerServer`. */
export interface WorkerServerOptions {
  /** The port to listen on; 0 is any free one, which `server.port` then tells. */
  port: number;
  /** The address to listen on. Default: all of the machine's. */
  host?: string | undefined;
  /** What workers must present to register. Without it, everyone who can connect may. */
  authToken?: string | undefined;
  /** Milliseconds without a heartbeat after which a worker is unhealthy. Default 60,000. */
  heartbeatTimeoutMs?: number | undefined;
  /** Milliseconds between looks at the workers' health. Default 10,000. */
  healthCheckIntervalMs?: number | undefined;
  /** Milliseconds between heartbeats, as workers are told. Default 15,000. */
  heartbeatIntervalMs?: number | undefined;
  /** Where the server writes what happens. Default: nowhere. */
  logger?: WorkerServerLogger | undefined;
  /** How the model that is asked for is compared with those of a worker. Default `exact`. */
  modelMatching?: ModelMatching | undefined;
  /** Milliseconds a tracked request may take; 0 is without end. Default 0. */
  requestTimeoutMs?: number | undefined;
  /** Milliseconds a connection may stay without registering. Default 10,000. */
  registrationTimeoutMs?: number | undefined;
  /**
   * Milliseconds without a single byte from a peer, in spite of a ping at each health check, after
   * which its connection is cut. Default: `heartbeatTimeoutMs`.
   */
  pingTimeoutMs?: number | undefined;
  /** Milliseconds that `stop()` lets requests finish. Default 5,000. */
  drainTimeoutMs?: number | undefined;
  /** The largest text message; also all that may be sent before registration. Default 1 MiB. */
  maxMessageBytes?: number | undefined;
  /** The largest binary frame of a worker. Default 16 MiB. */
  maxBinaryBytes?: number | undefined;
  /** Bytes that may wait for a peer to read them; one that falls behind is cut. Default 16 MiB. */
  maxBufferedBytes?: number | undefined;
  /** Messages a second that a worker may send. Default 10,000. */
  maxMessagesPerSecond?: number | undefined;
  /** Binary frames a second that a worker may send. Default 100,000. */
  maxBinaryFramesPerSecond?: number | undefined;
  /** Connections at the same time that have not registered. Default 256. */
  maxUnregistered?: number | undefined;
  /** Connections at the same time, of HTTP clients too. Default 10,000. */
  maxConnections?: number | undefined;
  /** What tells the time, for tests. */
  clock?: Clock | undefined;
}

/** Options with every default filled in. */
export type WorkerServerSettings = {
  [Key in Exclude<keyof WorkerServerOptions, "authToken" | "host">]-?: NonNullable<
    WorkerServerOptions[Key]
  >;
} & { authToken: string | undefined; host: string | undefined };

const KEYS: readonly (keyof WorkerServerSettings)[] = [
  "port",
  "host",
  "authToken",
  "heartbeatTimeoutMs",
  "healthCheckIntervalMs",
  "heartbeatIntervalMs",
  "logger",
  "modelMatching",
  "requestTimeoutMs",
  "registrationTimeoutMs",
  "pingTimeoutMs",
  "drainTimeoutMs",
  "maxMessageBytes",
  "maxBinaryBytes",
  "maxBufferedBytes",
  "maxMessagesPerSecond",
  "maxBinaryFramesPerSecond",
  "maxUnregistered",
  "maxConnections",
  "clock",
];

const LABEL = "new WorkerServer";
/** ws counts the bytes of a message in 31 bits. */
const MAXIMUM_BYTES = 2 ** 31 - 1;
/** Timers count milliseconds in 31 bits. */
const MAXIMUM_MS = 2 ** 31 - 1;

/** Checks options and fills in the defaults. Throws `invalid-argument`. */
export function resolveOptions(options: WorkerServerOptions): WorkerServerSettings {
  checkKeys(options, LABEL, KEYS);
  const heartbeatTimeoutMs = time("heartbeatTimeoutMs", 60_000);
  const settings: WorkerServerSettings = {
    port: whole(options.port, `${LABEL}: port`, Number.NaN, { min: 0, max: 65_535 }),
    host: text(options.host, "host"),
    authToken: text(options.authToken, "authToken"),
    heartbeatTimeoutMs,
    healthCheckIntervalMs: time("healthCheckIntervalMs", 10_000),
    heartbeatIntervalMs: time("heartbeatIntervalMs", 15_000),
    logger: safeLogger(options.logger),
    modelMatching: checkMatching(options.modelMatching),
    requestTimeoutMs: timeOrNone("requestTimeoutMs", 0),
    registrationTimeoutMs: time("registrationTimeoutMs", 10_000),
    pingTimeoutMs: time("pingTimeoutMs", heartbeatTimeoutMs),
    drainTimeoutMs: timeOrNone("drainTimeoutMs", 5_000),
    maxMessageBytes: bytes("maxMessageBytes", 2 ** 20),
    maxBinaryBytes: bytes("maxBinaryBytes", 16 * 2 ** 20),
    maxBufferedBytes: bytes("maxBufferedBytes", 16 * 2 ** 20),
    maxMessagesPerSecond: count("maxMessagesPerSecond", 10_000),
    maxBinaryFramesPerSecond: count("maxBinaryFramesPerSecond", 100_000),
    maxUnregistered: count("maxUnregistered", 256),
    maxConnections: count("maxConnections", 10_000),
    clock: options.clock ?? systemClock,
  };
  if (options.port === undefined) throw invalid(`${LABEL}: port is missing; 0 is any free one.`);
  return settings;

  function time(key: keyof WorkerServerOptions, fallback: number): number {
    return milliseconds(options[key], `${LABEL}: ${key}`, fallback);
  }
  function timeOrNone(key: keyof WorkerServerOptions, fallback: number): number {
    return checkTimeout(options[key], `${LABEL}: ${key}`, fallback);
  }
  function bytes(key: keyof WorkerServerOptions, fallback: number): number {
    return whole(options[key], `${LABEL}: ${key}`, fallback, { min: 1_024, max: MAXIMUM_BYTES });
  }
  function count(key: keyof WorkerServerOptions, fallback: number): number {
    const range = { min: 1, max: Number.MAX_SAFE_INTEGER };
    return whole(options[key], `${LABEL}: ${key}`, fallback, range);
  }
}

/** Milliseconds, of which 0 has a meaning too. Throws `invalid-argument`. */
export function checkTimeout(value: unknown, label: string, fallback: number): number {
  return whole(value, label, fallback, { min: 0, max: MAXIMUM_MS });
}

/** Never says what was given: it may be a token. */
function text(value: unknown, key: "host" | "authToken"): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw invalid(`${LABEL}: ${key} must be text, and not empty. Leave it out to have none.`);
}

function checkMatching(value: unknown): ModelMatching {
  if (value === undefined) return "exact";
  if (value === "exact" || value === "substring" || typeof value === "function") {
    return value as ModelMatching;
  }
  throw invalid(`${LABEL}: modelMatching must be "exact", "substring" or a function.`);
}
