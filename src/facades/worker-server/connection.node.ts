/** One WebSocket of a worker, or of who claims to be one. */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Clock } from "../../pool/clock.ts";
import { FrameBudget } from "./frame-budget.ts";
import type { ConnectedWorker } from "./worker.node.ts";

/** `ended`: it is closed or being closed, and whatever still comes from it is ignored. */
export type ConnectionPhase = "unregistered" | "registered" | "ended";

export interface Connection {
  readonly websocket: WebSocket;
  phase: ConnectionPhase;
  /** Set once it has registered. */
  worker?: ConnectedWorker;
  readonly messages: FrameBudget;
  readonly binaries: FrameBudget;
  /** Invalid messages. */
  readonly faults: FrameBudget;
  /** Ends what is watched until it registers. */
  readonly stopWatching: () => void;
}

export interface ConnectionLimits {
  readonly registrationTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxMessagesPerSecond: number;
  readonly maxBinaryFramesPerSecond: number;
  readonly faultsPerSecond: number;
  readonly clock: Clock;
  /** Called when it has not registered in time. */
  readonly onSilence: () => void;
  /** Called when it has sent more than one message's bytes without registering. */
  readonly onExcess: () => void;
}

/** A connection that has yet to register, and that has little time and few bytes for it. */
export function openConnection(
  websocket: WebSocket,
  transport: Duplex | undefined,
  limits: ConnectionLimits,
): Connection {
  const { clock, registrationTimeoutMs } = limits;
  const cancelTimeout = clock.schedule(registrationTimeoutMs, limits.onSilence, {
    keepAlive: false,
  });
  // Frames may be as large as registered workers' are; a stranger's must not be collected so far.
  let bytes = 0;
  function count(chunk: Buffer): void {
    bytes += chunk.byteLength;
    if (bytes <= limits.maxMessageBytes || connection.phase !== "unregistered") return;
    transport?.off("data", count);
    limits.onExcess();
  }
  transport?.on("data", count);
  const connection: Connection = {
    websocket,
    phase: "unregistered",
    messages: new FrameBudget(limits.maxMessagesPerSecond, clock),
    binaries: new FrameBudget(limits.maxBinaryFramesPerSecond, clock),
    faults: new FrameBudget(limits.faultsPerSecond, clock),
    stopWatching() {
      cancelTimeout();
      transport?.off("data", count);
    },
  };
  return connection;
}
