/**
 * OpenTelemetry spans of runs: one for the run as its caller sees it, and below it one for the
 * queue, one for the worker and one for each host call. Nothing of a guest's is recorded: no
 * arguments, results, messages or names that a guest has chosen.
 */
import type { SkepErrorCode } from "../errors.ts";
import type { Receipt } from "../receipt.ts";
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import type { Run } from "./run.ts";
import type { HostCallTrace, RunTrace, Span, TelemetryOptions, Tracer } from "./trace.ts";

/** `SpanStatusCode.ERROR`, and what semantic conventions call an error without a known type. */
const STATUS_ERROR = 2;
const OTHER_ERROR = "_OTHER";
const MAXIMUM_ATTRIBUTE_LENGTH = 256;

/** Error names that tell nothing but the kind of failure. */
const KNOWN_ERRORS = new Set(
  "Error TypeError RangeError ReferenceError SyntaxError TimeoutError AbortError".split(" "),
);

/** Makes the spans of a pool's runs. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #tracer: Tracer;
  readonly #clock: Clock;
  readonly #events: EventEmitter;
  #hasFailed = false;

  constructor(options: TelemetryOptions, clock: Clock, events: EventEmitter) {
    this.#options = options;
    this.#tracer = options.tracer ?? options.trace.getTracer("skep");
    this.#clock = clock;
    this.#events = events;
  }

  /** The context of whoever calls. */
  active(): unknown {
    return this.#guarded(() => this.#options.context.active());
  }

  /** A run was submitted in a context. Undefined when its span could not be started. */
  begin(run: Run, parent: unknown): RunTrace | undefined {
    return this.#guarded(() => this.#begin(run, parent));
  }

  #begin(run: Run, parent: unknown): RunTrace {
    const { trace, context: contexts } = this.#options;
    const tracer = this.#tracer;
    // Read once per run, so that its times agree with each other however clocks are set meanwhile.
    const epochMs = Date.now() - this.#clock.now();
    const since1970 = (ms: number): number => epochMs + ms;
    const now = (): number => since1970(this.#clock.now());
    const startTime = since1970(run.submittedAtMs);
    const isFunction = run.target.type === "function";
    const span = tracer.startSpan(
      isFunction ? `skep.run ${bounded(run.name)}` : "skep.eval",
      { startTime, attributes: identityOf(run) },
      parent,
    );
    const context = trace.setSpan(parent, span);
    const child = (name: string, startMs: number, endMs: number): void => {
      const options = { startTime: since1970(startMs), attributes: {} };
      tracer.startSpan(name, options, context).end(since1970(endMs));
    };

    return {
      startHostCall: (name) => {
        const call = this.#guarded(() => {
          const attributes = { "skep.host_function": bounded(name) };
          const options = { startTime: now(), attributes };
          return tracer.startSpan(`skep.host ${bounded(name)}`, options, context);
        });
        if (call === undefined) return NO_HOST_CALL;
        return {
          traceparent: this.#guarded(() => traceparentOf(call)),
          // Not guarded: what the task throws is its caller's.
          within: (task) => contexts.with(trace.setSpan(context, call), task),
          end: (hasSucceeded, error) =>
            this.#guarded(() => {
              if (!hasSucceeded) markFailed(call, errorType(error));
              call.end(now());
            }),
        };
      },
      end: ({ receipt, settledAtMs, code, wasAccepted }) =>
        this.#guarded(() => {
          const { queuedMs, workerId, attempts } = receipt;
          const startedAtMs = Math.min(run.submittedAtMs + queuedMs, settledAtMs);
          if (wasAccepted) child("skep.queue", run.submittedAtMs, startedAtMs);
          if (attempts > 0) child("skep.worker", startedAtMs, settledAtMs);
          span.setAttributes({
            ...quantitiesOf(receipt),
            "skep.worker_id": workerId,
            "skep.attempts": attempts,
            "skep.outcome": code ?? "ok",
          });
          if (code !== undefined) markFailed(span, code);
          span.end(since1970(settledAtMs));
        }),
    };
  }

  /** A tracer's failure is its own: the pool goes on, and says so once. */
  #guarded<Result>(task: () => Result): Result | undefined {
    try {
      return task();
    } catch (error) {
      if (!this.#hasFailed) {
        this.#hasFailed = true;
        const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        const message = `The tracer of the pool's telemetry option threw ${detail}`;
        this.#events.emit("warning", { name: "telemetry-failed", message });
      }
      return undefined;
    }
  }
}

const NO_HOST_CALL: HostCallTrace = {
  traceparent: undefined,
  within: (task) => task(),
  end: () => {},
};

function identityOf(run: Run): Record<string, string | number> {
  const identity = { "skep.run_id": run.id, "skep.name": bounded(run.name) };
  return run.key === undefined ? identity : { ...identity, "skep.key": bounded(run.key) };
}

function quantitiesOf(receipt: Receipt): Record<string, number> {
  return {
    "skep.queued_ms": receipt.queuedMs,
    "skep.wall_ms": receipt.wallMs,
    "skep.cpu_ms": receipt.cpuMs,
    "skep.gas": receipt.gas,
    "skep.peak_memory_bytes": receipt.peakMemoryBytes,
    "skep.host_calls": receipt.hostCalls,
    "skep.bytes_in": receipt.bytesIn,
    "skep.bytes_out": receipt.bytesOut,
  };
}

/** Status and attribute that tracing systems look for. */
function markFailed(span: Span, type: SkepErrorCode | (string & {})): void {
  span.setAttributes({ "error.type": type });
  span.setStatus({ code: STATUS_ERROR, message: type });
}

function errorType(error: unknown): string {
  try {
    return error instanceof Error && KNOWN_ERRORS.has(error.name) ? error.name : OTHER_ERROR;
  } catch {
    // Anything can be thrown, also what throws when it is looked at.
    return OTHER_ERROR;
  }
}

/** W3C Trace Context, version 00; undefined for spans of a tracer that records nothing. */
function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const isValid =
    /^[\da-f]{32}$/.test(traceId) &&
    /^[\da-f]{16}$/.test(spanId) &&
    /[^0]/.test(traceId) &&
    /[^0]/.test(spanId);
  if (!isValid) return undefined;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  return `00-${traceId}-${spanId}-${flags}`;
}

function bounded(text: string): string {
  return text.length <= MAXIMUM_ATTRIBUTE_LENGTH ? text : text.slice(0, MAXIMUM_ATTRIBUTE_LENGTH);
}
