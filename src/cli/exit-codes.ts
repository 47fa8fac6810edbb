/** What the exit code of a command means. */
import { SkepError, type SkepErrorCode } from "../errors.ts";
import { UsageError } from "./usage-error.ts";

export const EXIT = {
  ok: 0,
  /** Guest code threw, or is not JavaScript. */
  guestError: 1,
  /** The command was given wrongly. */
  usage: 2,
  /** Guest code reached a limit. */
  limit: 3,
  /** Anything else: a port in use, a worker that was lost, an interruption. */
  other: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const LIMITS: readonly SkepErrorCode[] = [
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "host-calls-exceeded",
  "input-exceeded",
  "output-exceeded",
];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof SkepError)) return EXIT.other;
  if (error.code === "guest-error") return EXIT.guestError;
  if (LIMITS.includes(error.code)) return EXIT.limit;
  return error.code === "invalid-argument" ? EXIT.usage : EXIT.other;
}
