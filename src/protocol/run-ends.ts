/** What the code that a run ended with says of how it ended, for workers and their parent alike. */
import type { SkepErrorCode } from "../errors.ts";

const LIMITS: ReadonlySet<SkepErrorCode> = /*#__PURE__*/ new Set<SkepErrorCode>([
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "host-calls-exceeded",
  "input-exceeded",
  "output-exceeded",
]);

const OWN_ENDS: ReadonlySet<SkepErrorCode> = /*#__PURE__*/ new Set<SkepErrorCode>([
  "guest-error",
  "not-marshallable",
  "unknown-function",
  "invalid-argument",
  "missing-dependency",
]);

/** Whether the run reached a limit. */
export function isLimit(code: SkepErrorCode): boolean {
  return LIMITS.has(code);
}

/**
 * Whether the run came to its end by itself, or never began: its session is what it made of it. The
 * worker keeps the session's memory, and the parent tells the caller accordingly.
 */
export function isOwnEnd(code: SkepErrorCode): boolean {
  return OWN_ENDS.has(code);
}
