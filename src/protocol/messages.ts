/**
 * The data wire's messages: what the parent sends to a worker and what the worker reports. They
 * travel in batches, in the compact form that `wire.ts` gives them.
 */

import type { Payload } from "./payload.ts";

/** Limits that a worker holds runs to. 0 is unlimited, but for `memoryBytes` and `stackBytes`. */
export interface RunLimits {
  /** Milliseconds from the start of the run in the worker. */
  timeoutMs: number;
  /** Milliseconds since 1970 when it must have ended, however late it started. */
  endsAt: number;
  /** Milliseconds of guest execution. */
  cpuMs: number;
  /** Interrupt polls. */
  gas: number;
  /** The sandbox heap's hard maximum in bytes. */
  memoryBytes: number;
  stackBytes: number;
  hostCalls: number;
  bytesIn: number;
  bytesOut: number;
  consoleBytes: number;
}

/** A call of a registered function. */
export interface RunFunctionMessage {
  type: "run-function";
  runId: number;
  /** The cancel flag this run listens to in the signal block, unique among the worker's runs. */
  slot: number;
  /** Undefined: the ones the worker was started with. */
  limits: RunLimits | undefined;
  /** The session whose sandbox it runs in; 0 for one of its own. */
  session: number;
  functionId: number;
  /** The arguments in inbound form (`values/inbound.ts`). */
  args: Payload;
}

/** An evaluation of source text. */
export interface RunSourceMessage {
  type: "run-source";
  runId: number;
  slot: number;
  limits: RunLimits | undefined;
  session: number;
  /** `script`: completion value, top-level await; `module`: the module's namespace. */
  kind: "script" | "module";
  /** The name stack traces show. */
  filename: string;
  source: string;
  /** Virtual modules: names, which `modulePath` has normalized, and source texts. */
  modules: readonly (readonly [name: string, source: string])[];
  /** The import map, as normalized: names or prefixes and what they stand for. */
  imports: readonly (readonly [name: string, target: string])[];
  /** What is put on the global object first: a list of names and their values, in inbound form. */
  globals: Payload | undefined;
}

/** Ends a run early: removed if it has not started, interrupted if it is running. */
export interface CancelMessage {
  type: "cancel";
  runId: number;
}

/** The answer to a host call. */
export interface HostReplyMessage {
  type: "host-reply";
  runId: number;
  callId: number;
  succeeded: boolean;
  /** `[kind, value]`, or `[name, message, code, data]` of an error, in inbound form. */
  payload: Payload;
}

export type MessageToWorker =
  | RunFunctionMessage
  | RunSourceMessage
  | CancelMessage
  | HostReplyMessage;

/** The part of the receipt only the worker knows. Times in milliseconds. */
export interface RunCost {
  wallMs: number;
  cpuMs: number;
  gas: number;
  peakMemoryBytes: number;
  hostCalls: number;
  /** Bytes the worker itself gave the run: `fetch`, host modules. The parent counts all others. */
  bytesIn: number;
  /** Bytes the run gave the worker itself. */
  bytesOut: number;
}

/** A run ended with a value, in outbound form (`values/outbound.ts`). */
export interface SettledMessage {
  type: "settled";
  runId: number;
  cost: RunCost;
  value: Payload;
}

/** How a run failed inside the worker. The codes are a subset of `SkepErrorCode`. */
export type WorkerFailureCode =
  | "guest-error"
  | "timeout"
  | "cpu-exceeded"
  | "gas-exceeded"
  | "host-calls-exceeded"
  | "memory-exceeded"
  | "stack-exceeded"
  | "output-exceeded"
  | "aborted"
  | "unknown-function"
  | "not-marshallable"
  | "missing-dependency"
  | "worker-lost"
  | "invalid-argument"
  | "input-exceeded";

/** A run failed. For `guest-error` the thrown value is in outbound form, else it is empty. */
export interface FailedMessage {
  type: "failed";
  runId: number;
  cost: RunCost;
  code: WorkerFailureCode;
  message: string;
  /** The engine failed, for no limit and with no other run in its sandbox: only this one can be why. */
  isTrap: boolean;
  thrown: Uint8Array;
}

/** A run awaits something and left the engine: others may run meanwhile. */
export interface ParkedMessage {
  type: "parked";
  runId: number;
}

/**
 * A run is about to enter the engine. Only sent where there is no signal block, so that a hang
 * can still be blamed on the right run.
 */
export interface EnteredMessage {
  type: "entered";
  runId: number;
}

/**
 * A run is about to call into the host for the first time: should its worker be lost, it must not
 * be run again. Only sent where there is no signal block.
 */
export interface HostCalledMessage {
  type: "host-called";
  runId: number;
}

/** A run calls a function of the host. */
export interface HostCallMessage {
  type: "host-call";
  runId: number;
  /** Unique within the worker. */
  callId: number;
  /** The worker blocks until the reply is in its mailbox. */
  isSync: boolean;
  /** The function's path, e.g. `db.query`. */
  name: string;
  /** The arguments, an array in outbound form. */
  args: Payload;
}

export type ConsoleLevel = "debug" | "log" | "info" | "warn" | "error";

/** A console line of a guest. `values` is an array in outbound form. */
export interface ConsoleMessage {
  type: "console";
  runId: number;
  level: ConsoleLevel;
  values: Uint8Array;
}

/** Something the worker's own code noticed, not the guest's: reported as an event. */
export interface WarningMessage {
  type: "warning";
  /** 0 when it belongs to no run. */
  runId: number;
  /** A stable word, e.g. `unhandled-rejection`, `sandbox-discarded`, `malformed-message`. */
  name: string;
  message: string;
}

export type MessageFromWorker =
  | SettledMessage
  | FailedMessage
  | ParkedMessage
  | EnteredMessage
  | HostCalledMessage
  | HostCallMessage
  | ConsoleMessage
  | WarningMessage;
