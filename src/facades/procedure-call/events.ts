/** Worker events: what the pool reports, in the facade's words. */
import type { PoolCore } from "../../pool/core.ts";
import type { PoolEvents } from "../../pool/events.ts";

export type WorkerEventSeverity = "info" | "warn" | "error";

/** Every name an event can have, those that the transport here rules out included. */
export type WorkerEventName =
  // What happened in a worker.
  | "worker_ready"
  | "worker_shutdown_requested"
  | "control_command_failed"
  | "malformed_control_request"
  | "malformed_call_request"
  | "call_target_missing"
  | "call_execution_failed"
  | "malformed_parent_message"
  | "unknown_message_type"
  | "message_handler_failure"
  | "post_message_failed"
  | "uncaught_exception"
  | "unhandled_rejection"
  // What happened to a worker.
  | "worker_spawned"
  | "worker_health_state_changed"
  | "worker_error"
  | "worker_exited"
  | "worker_restart_scheduled"
  | "worker_restart_completed"
  | "worker_restart_failed"
  | "worker_restart_exhausted"
  | "malformed_worker_message"
  | "unknown_worker_message";

export interface WorkerEventError {
  name: string;
  message: string;
  stack?: string;
}

export interface WorkerEvent {
  /** `event_N` for the parent's events, `worker_<worker>_N` for a worker's. */
  event_id: string;
  /** Starts at 1 and is never used twice. */
  worker_id: number;
  source: "worker" | "parent";
  event_name: WorkerEventName;
  severity: WorkerEventSeverity;
  /** ISO 8601. */
  timestamp: string;
  /** `call_N` or `control_N`: which call or definition it belongs to. */
  correlation_id?: string;
  error?: WorkerEventError;
  details?: Record<string, unknown>;
}

export type WorkerEventListener = (event: WorkerEvent) => void;

type EventBody = Pick<WorkerEvent, "correlation_id" | "error" | "details">;

/** The pool's warnings that are about a worker, by name. */
const WARNINGS: Readonly<
  Record<string, { source: WorkerEvent["source"]; name: WorkerEventName } | undefined>
> = {
  "worker-broken": { source: "parent", name: "malformed_worker_message" },
  "unknown-message": { source: "parent", name: "unknown_worker_message" },
  "uncaught-in-callback": { source: "worker", name: "uncaught_exception" },
  "uncaught-exception": { source: "worker", name: "uncaught_exception" },
  "unhandled-rejection": { source: "worker", name: "unhandled_rejection" },
  "sandbox-discarded": { source: "worker", name: "message_handler_failure" },
};

/** Listeners by number, and the events they are told of. */
export class WorkerEvents {
  readonly #listeners = new Map<number, WorkerEventListener>();
  #lastListenerId = 0;
  #lastParentEvent = 0;
  #lastWorkerEvent = 0;

  add(listener: WorkerEventListener): number {
    this.#lastListenerId++;
    this.#listeners.set(this.#lastListenerId, listener);
    return this.#lastListenerId;
  }

  remove(listenerId: number): void {
    this.#listeners.delete(listenerId);
  }

  /** Reports something the parent noticed. */
  parent(
    workerId: number,
    name: WorkerEventName,
    severity: WorkerEventSeverity,
    body: EventBody = {},
  ): void {
    this.#emit("parent", `event_${++this.#lastParentEvent}`, workerId, name, severity, body);
  }

  /** Reports something a worker told. */
  worker(
    workerId: number,
    name: WorkerEventName,
    severity: WorkerEventSeverity,
    body: EventBody = {},
  ): void {
    const id = `worker_${workerId}_${++this.#lastWorkerEvent}`;
    this.#emit("worker", id, workerId, name, severity, body);
  }

  #emit(
    source: WorkerEvent["source"],
    event_id: string,
    worker_id: number,
    event_name: WorkerEventName,
    severity: WorkerEventSeverity,
    body: EventBody,
  ): void {
    const timestamp = new Date().toISOString();
    const event = { event_id, worker_id, source, event_name, severity, timestamp, ...body };
    // A copy: listeners may come and go while they are called.
    for (const listener of Array.from(this.#listeners.values())) {
      try {
        listener(event);
      } catch {
        // A listener's failure is its own; calls and workers go on.
      }
    }
  }
}

/** Tells the listeners what a pool reports, from before its first worker until after its last. */
export function followPool(
  core: PoolCore,
  events: WorkerEvents,
  { reportsExhaustion }: { reportsExhaustion: boolean },
): void {
  const acknowledged = new Set<number>();
  const on = core.events.on.bind(core.events);

  on("worker-spawned", ({ workerId, attempt }) => {
    events.parent(workerId, "worker_spawned", "info", { details: { restart_attempt: attempt } });
    reportHealth(workerId, "starting", "spawned");
  });
  on("worker-state", ({ workerId, to, reason }) => {
    // A replacement's start is reported when it has its own number: just above.
    if (to !== "starting") reportHealth(workerId, to, reason);
  });
  on("worker-ready", ({ workerId }) => events.worker(workerId, "worker_ready", "info"));
  on("worker-lost", (lost) => {
    const { workerId, reason, exitCode, cause } = lost;
    if (cause !== undefined) {
      events.parent(workerId, "worker_error", "error", { error: describeError(cause) });
    }
    const details = { exit_code: exitCode ?? null, failure_reason: reason };
    events.parent(workerId, "worker_exited", "error", { details });
  });
  on("worker-shutdown", ({ workerId }) => {
    acknowledged.add(workerId);
    events.worker(workerId, "worker_shutdown_requested", "info");
  });
  on("worker-ended", ({ workerId }) => {
    // What Node says of a thread that ends by itself, and of one that is terminated.
    const exit_code = acknowledged.has(workerId) ? 0 : 1;
    events.parent(workerId, "worker_exited", "info", {
      details: { exit_code, failure_reason: null },
    });
  });
  on("worker-restart-scheduled", ({ workerId, attempt, delayMs }) => {
    events.parent(workerId, "worker_restart_scheduled", "warn", {
      details: { restart_attempt: attempt, restart_delay_ms: delayMs },
    });
  });
  on("worker-restarted", ({ workerId, previousWorkerId, attempt }) => {
    events.parent(workerId, "worker_restart_completed", "info", {
      details: { restart_attempt: attempt, previous_worker_id: previousWorkerId },
    });
  });
  on("worker-restart-failed", ({ workerId, attempt, reason, exhausted }) => {
    events.parent(workerId, "worker_restart_failed", "error", {
      error: { name: "Error", message: reason },
      details: { restart_attempt: attempt, exhausted },
    });
  });
  on("worker-restarts-exhausted", ({ workerId, maxPerWorker }) => {
    if (!reportsExhaustion) return;
    events.parent(workerId, "worker_restart_exhausted", "error", {
      details: { max_restarts_per_worker: maxPerWorker },
    });
  });
  on("warning", (warning) => reportWarning(events, warning));

  function reportHealth(workerId: number, health_state: string, reason: string): void {
    const severity = health_state === "degraded" ? "warn" : "info";
    events.parent(workerId, "worker_health_state_changed", severity, {
      details: { health_state, reason },
    });
  }
}

/** An error as events carry it. */
export function describeError(error: unknown): WorkerEventError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  return stack === undefined ? { name, message } : { name, message, stack };
}

function reportWarning(events: WorkerEvents, warning: PoolEvents["warning"]): void {
  const { workerId, name, message } = warning;
  const known = Object.hasOwn(WARNINGS, name) ? WARNINGS[name] : undefined;
  if (known === undefined || workerId === undefined) return;
  const thrown = /^(\w*Error): ([^]*)$/.exec(message);
  const error = { name: thrown?.[1] ?? "Error", message: thrown?.[2] ?? message };
  events[known.source](workerId, known.name, "error", { error });
}
