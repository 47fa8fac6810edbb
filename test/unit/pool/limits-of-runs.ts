/** Limits for tests that are about something else. */
import type { Limits } from "../../../src/pool/limits.ts";

export const LIMITS: Limits = {
  timeoutMs: 1000,
  totalMs: 0,
  endsAt: 0,
  cpuMs: 0,
  gas: 0,
  memoryBytes: 2 ** 20,
  stackBytes: 100_000,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
  consoleBytes: 0,
  graceMs: 250,
};
