/** The protocol's own messages. All are JSON text; any other `type` belongs to handlers. */
import {
  InvalidMessage,
  readCapabilities,
  readName,
  readObject,
  type WorkerCapabilities,
} from "./capabilities.ts";

/** Why and with which code the server closes a WebSocket. */
export const CLOSINGS = {
  shutdown: { code: 1001, reason: "Server shutting down" },
  unexpectedBinary: { code: 1003, reason: "Binary frames are not expected" },
  notRegistered: { code: 1008, reason: "Register first" },
  disconnected: { code: 1008, reason: "Disconnected" },
  flood: { code: 1008, reason: "Too many messages" },
  faults: { code: 1008, reason: "Too many invalid messages" },
  tooBig: { code: 1009, reason: "Message too big" },
  brokenEndpoint: { code: 1011, reason: "Endpoint failed" },
  authentication: { code: 4001, reason: "Authentication failed" },
  registration: { code: 4002, reason: "Invalid registration" },
  replaced: { code: 4003, reason: "Replaced by new connection" },
  heartbeat: { code: 4003, reason: "Heartbeat timeout" },
  silence: { code: 4004, reason: "Registration timeout" },
} as const;

/** A close code and its text. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A worker's registration, but for its token, which is compared and forgotten. */
export interface Registration {
  workerId: string;
  workerName: string;
  capabilities: WorkerCapabilities;
}

/** What the server answers to a registration. */
export interface RegistrationAck {
  type: "worker_registration_ack";
  success: boolean;
  error?: string;
  sessionId?: string;
  heartbeatIntervalMs?: number;
}

/** What the server answers to a heartbeat. */
export interface HeartbeatAck {
  type: "heartbeat_ack";
  /** The heartbeat's own, so that a worker can tell how long it took. */
  timestamp: string;
  /** ISO 8601, on the server's clock. */
  nextHeartbeatDeadline: string;
}

/** A request to drain (server to worker), or the news that it does (worker to server). */
export interface Drain {
  type: "worker_drain";
  workerId: string;
}

/** The server has heard that the worker drains: after this it sends it no new work. */
export interface DrainAck {
  type: "worker_drain_ack";
  workerId: string;
}

const MAXIMUM_TIMESTAMP = 64;

/** Parses a frame of text. Throws an {@link InvalidMessage}. */
export function parseMessage(text: string): Record<string, unknown> & { type: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new InvalidMessage("The message is not JSON");
  }
  const message = readObject(parsed, "The message");
  if (typeof message["type"] !== "string") {
    throw new InvalidMessage("The message must have a type, which is text");
  }
  return message as Record<string, unknown> & { type: string };
}

/** Reads a registration. Throws an {@link InvalidMessage}. */
export function readRegistration(message: Record<string, unknown>): Registration {
  return {
    workerId: readName(message["workerId"], "workerId"),
    workerName: readName(message["workerName"], "workerName"),
    capabilities: readCapabilities(message["capabilities"]),
  };
}

/** Reads the timestamp of a worker's own heartbeat. Throws an {@link InvalidMessage}. */
export function readHeartbeat(message: Record<string, unknown>, ownId: string): string {
  checkSender(message, ownId);
  const { timestamp } = message;
  if (typeof timestamp === "string" && timestamp.length <= MAXIMUM_TIMESTAMP) return timestamp;
  throw new InvalidMessage(
    `A heartbeat's timestamp must be text of at most ${MAXIMUM_TIMESTAMP} characters`,
  );
}

/** A worker speaks for itself only. Throws an {@link InvalidMessage}. */
export function checkSender(message: Record<string, unknown>, ownId: string): void {
  if (message["workerId"] === ownId) return;
  throw new InvalidMessage(`A ${String(message["type"])} must have the sender's own workerId`);
}
