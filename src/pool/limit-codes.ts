import type { SkepErrorCode } from "../errors.ts";

/** The codes of runs that reached one of their limits. */
export const LIMIT_CODES: readonly SkepErrorCode[] = [
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "host-calls-exceeded",
  "input-exceeded",
  "output-exceeded",
];
