/** What the exit code of a command means. */
import { SkepError } from "../errors.ts";
import { LIMIT_CODES } from "../pool/limit-codes.ts";
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

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof SkepError)) return EXIT.other;
  if (error.code === "guest-error") return EXIT.guestError;
  if (LIMIT_CODES.includes(error.code)) return EXIT.limit;
  return error.code === "invalid-argument" ? EXIT.usage : EXIT.other;
}
