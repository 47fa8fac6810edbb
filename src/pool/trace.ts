/** Spans of runs: what a pool is given to make them, and what a run does with its own. */
import type { SkepErrorCode } from "../errors.ts";
import type { Receipt } from "../receipt.ts";

/**
 * OpenTelemetry, as far as it is used. The namespace of `@opentelemetry/api` fits:
 * `import * as opentelemetry from "@opentelemetry/api"`.
 */
export interface TelemetryOptions {
  /** `trace` of `@opentelemetry/api`. */
  trace: TraceApi;
  /** `context` of `@opentelemetry/api`: a run's parent is the span active when it is submitted. */
  context: ContextApi;
  /** Makes the spans. Default: `trace.getTracer("skep")`. */
  tracer?: Tracer | undefined;
}

/** `trace` of `@opentelemetry/api`. */
export interface TraceApi {
  getTracer(name: string): Tracer;
  setSpan(context: unknown, span: Span): unknown;
}

/** `context` of `@opentelemetry/api`. */
export interface ContextApi {
  active(): unknown;
  with<Result>(context: unknown, task: () => Result): Result;
}

/** A tracer of `@opentelemetry/api`. */
export interface Tracer {
  startSpan(name: string, options: SpanOptions, context: unknown): Span;
}

/** How a span starts. Times in milliseconds since 1970. */
export interface SpanOptions {
  startTime: number;
  attributes: Record<string, string | number>;
}

/** A span of `@opentelemetry/api`. */
export interface Span {
  spanContext(): { traceId: string; spanId: string; traceFlags: number };
  setAttributes(attributes: Record<string, string | number>): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(endTime?: number): void;
}

/** The spans of one run. No method throws. */
export interface RunTrace {
  startHostCall(name: string): HostCallTrace;
  end(end: RunEnd): void;
}

/** How a run has settled. */
export interface RunEnd {
  receipt: Receipt;
  settledAtMs: number;
  /** The error's; undefined where there is none. */
  code: SkepErrorCode | undefined;
  /** Whether it was queued or sent, rather than refused. */
  wasAccepted: boolean;
}

/** The span of one host call. */
export interface HostCallTrace {
  /** The span in the form of W3C Trace Context; undefined where nothing is recorded. */
  readonly traceparent: string | undefined;
  /** Runs a task with this span as the active one. */
  within<Result>(task: () => Result): Result;
  end(hasSucceeded: boolean, error?: unknown): void;
}
