/** What runs may use: the pool's limits, and what a call says instead. */
import type { Environment } from "../environments/contract.ts";
import type { EngineName } from "../protocol/control.ts";
import type { RunLimits } from "../protocol/messages.ts";
import { group, invalid, MAXIMUM_MS, memory, whole } from "./option-checks.ts";

/**
 * Limits of a run. Each can be set for the pool, under `limits`, and for a single call. 0 is
 * unlimited, but for `memoryBytes`, `stackBytes` and `graceMs`, which always hold.
 */
export interface LimitOptions {
  /**
   * Milliseconds from the start of a run in its worker, waiting for the host included. Ends it with
   * `timeout`. Default 30,000.
   */
  timeoutMs?: number | undefined;
  /**
   * Milliseconds from the submission of a run, waiting for its turn included. Ends it with
   * `timeout`, also while it waits. Default 0.
   */
  totalMs?: number | undefined;
  /**
   * Milliseconds that guest code executes; waiting for host functions and timers is free. Ends the
   * run with `cpu-exceeded`. Default 0.
   */
  cpuMs?: number | undefined;
  /**
   * Interrupt polls of the engine, one for about 10,000 steps: the same program costs the same on
   * every machine. Ends the run with `gas-exceeded`. Default 0.
   */
  gas?: number | undefined;
  /** The sandbox heap's hard maximum in bytes. `memory-exceeded`. Default 64 MiB. */
  memoryBytes?: number | undefined;
  /**
   * Bytes of engine stack, at most what the environment's threads can carry, which is the default:
   * see ARCHITECTURE.md. `stack-exceeded`.
   */
  stackBytes?: number | undefined;
  /** Calls of host functions and requests of `fetch`. `host-calls-exceeded`. Default 10,000. */
  hostCalls?: number | undefined;
  /**
   * Bytes that go in: arguments or source text, and what host functions, host modules and `fetch`
   * answer. `input-exceeded`. Default 64 MiB.
   */
  bytesIn?: number | undefined;
  /**
   * Bytes that come out: the result, and what host functions, host modules and `fetch` are asked
   * with. `output-exceeded`. Default 64 MiB.
   */
  bytesOut?: number | undefined;
  /** Bytes of console output; the rest is cut with a notice, and the run goes on. Default 1 MiB. */
  consoleBytes?: number | undefined;
  /**
   * Milliseconds past its limit, or past its abortion, that a run has to end by itself before its
   * worker is terminated. Default 250.
   */
  graceMs?: number | undefined;
}

/** Every limit of a run. 0 is unlimited. */
export interface Limits extends RunLimits {
  totalMs: number;
  bytesIn: number;
  graceMs: number;
}

export const LIMIT_KEYS: readonly (keyof LimitOptions)[] = [
  "timeoutMs",
  "totalMs",
  "cpuMs",
  "gas",
  "memoryBytes",
  "stackBytes",
  "hostCalls",
  "bytesIn",
  "bytesOut",
  "consoleBytes",
  "graceMs",
];

const MEBIBYTE = 2 ** 20;
/** With less the library's own guest code does not run. */
const MINIMUM_STACK_BYTES = 12 * 1024;

/** The pool's limits. Throws `invalid-argument`. */
export function resolveLimits(
  options: unknown,
  environment: Environment,
  engine: EngineName,
): Limits {
  const given = group(options, "limits", LIMIT_KEYS);
  const defaults: Limits = {
    timeoutMs: 30_000,
    totalMs: 0,
    endsAt: 0,
    cpuMs: 0,
    gas: 0,
    memoryBytes: 64 * MEBIBYTE,
    stackBytes: environment.stackBytes[engine],
    hostCalls: 10_000,
    bytesIn: 64 * MEBIBYTE,
    bytesOut: 64 * MEBIBYTE,
    consoleBytes: MEBIBYTE,
    graceMs: 250,
  };
  return checkedLimits(given, "limits.", defaults, defaults.stackBytes);
}

/**
 * The limits of a call: the same object where it names none. `maximumStackBytes` is what the
 * environment can carry. Throws `invalid-argument`.
 */
export function callLimits(
  options: LimitOptions,
  pools: Limits,
  maximumStackBytes: number,
): Limits {
  for (const key of LIMIT_KEYS) {
    if (options[key] !== undefined) return checkedLimits(options, "", pools, maximumStackBytes);
  }
  return pools;
}

function checkedLimits(
  given: LimitOptions,
  prefix: string,
  fallback: Limits,
  maximumStackBytes: number,
): Limits {
  const time = (key: "timeoutMs" | "totalMs" | "cpuMs") =>
    whole(given[key], prefix + key, fallback[key], { min: 0, max: MAXIMUM_MS });
  const amount = (key: "gas" | "hostCalls" | "bytesIn" | "bytesOut" | "consoleBytes") =>
    whole(given[key], prefix + key, fallback[key], { min: 0, max: Number.MAX_SAFE_INTEGER });
  return {
    timeoutMs: time("timeoutMs"),
    totalMs: time("totalMs"),
    // Known when the run is sent.
    endsAt: 0,
    cpuMs: time("cpuMs"),
    gas: amount("gas"),
    memoryBytes: memory(given.memoryBytes, `${prefix}memoryBytes`, fallback.memoryBytes),
    stackBytes: stack(given.stackBytes, `${prefix}stackBytes`, fallback, maximumStackBytes),
    hostCalls: amount("hostCalls"),
    bytesIn: amount("bytesIn"),
    bytesOut: amount("bytesOut"),
    consoleBytes: amount("consoleBytes"),
    graceMs: whole(given.graceMs, `${prefix}graceMs`, fallback.graceMs, {
      min: 1,
      max: MAXIMUM_MS,
    }),
  };
}

function stack(
  value: number | undefined,
  label: string,
  { stackBytes }: Limits,
  maximum: number,
): number {
  if (value !== undefined && value > maximum) {
    throw invalid(
      `${label} can be at most ${maximum} here: more would overflow the thread's own stack first.`,
    );
  }
  return whole(value, label, stackBytes, { min: MINIMUM_STACK_BYTES, max: maximum });
}
