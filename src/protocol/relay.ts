/**
 * What a pool and a worker's process tell each other besides batches. The process has a relay that
 * never runs guest code: it passes control messages on, and stands in for the memory that the two do
 * not share. Batches go straight to the worker's thread and from it, over streams of their own.
 */
import type { MailboxReply } from "./mailbox.ts";

export type MessageToRelay =
  | RelayOpening
  /** A message of the control interface, for the worker. */
  | { type: "control"; message: unknown }
  /** Sets the cancel flag of the run in `slot`. */
  | { type: "cancel"; slot: number; runId: number }
  /** Answers a synchronous host call, for which the worker blocks. */
  | { type: "answer"; callId: number; reply: MailboxReply }
  /** Asks for an {@link ActivityReport}. */
  | { type: "look" };

/** The first message: how to start the worker. */
export interface RelayOpening {
  type: "open";
  /** The worker's thread, as debuggers show it. */
  name: string;
  slots: number;
  stackMb: number;
  heapMb: number;
  /** The streams of batches, as that process has them. */
  fromParentFd: number;
  toParentFd: number;
}

/** What the worker is doing, as the relay has read it from the signal block. */
export interface ActivityReport {
  /** The run inside the engine, 0 when none is. */
  runId: number;
  /** Tells one entry into the engine from the next. */
  entry: number;
  /** Milliseconds since that entry, by the relay's clock. */
  ageMs: number;
  polls: number;
}

export type MessageFromRelay =
  /** The worker's code has loaded. */
  | { type: "open" }
  | { type: "control"; message: unknown }
  | { type: "activity"; activity: ActivityReport }
  /** The worker's thread has ended, and the process does so now. */
  | { type: "last-words"; exitCode: number; reason: string; activity: ActivityReport };

/** What a relay sent; undefined when it makes no sense. */
export function readFromRelay(message: unknown): MessageFromRelay | undefined {
  if (!isRecord(message)) return undefined;
  const { type, exitCode, reason } = message;
  if (type === "open") return { type };
  if (type === "control") return { type, message: message["message"] };
  const activity = readActivity(message["activity"]);
  if (activity === undefined) return undefined;
  if (type === "activity") return { type, activity };
  if (type !== "last-words" || !isCount(exitCode) || typeof reason !== "string") return undefined;
  return { type, exitCode, reason, activity };
}

function readActivity(value: unknown): ActivityReport | undefined {
  if (!isRecord(value)) return undefined;
  const { runId, entry, ageMs, polls } = value;
  if (!isCount(runId) || !isCount(entry) || !isCount(ageMs)) return undefined;
  return Number.isInteger(polls) ? { runId, entry, ageMs, polls: polls as number } : undefined;
}

function isRecord(value: unknown): value is Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
