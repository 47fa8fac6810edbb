/** The pool's `telemetry` option. */
import { invalid } from "./option-checks.ts";
import type { TelemetryOptions } from "./trace.ts";

/** Checks what it needs of it: a namespace of modules has more. Throws `invalid-argument`. */
export function resolveTelemetry(telemetry: unknown): TelemetryOptions | undefined {
  if (telemetry === undefined) return undefined;
  const { trace, context, tracer } = (telemetry ?? {}) as Partial<TelemetryOptions>;
  const fits =
    typeof trace?.setSpan === "function" &&
    typeof context?.active === "function" &&
    typeof context.with === "function" &&
    (tracer === undefined
      ? typeof trace.getTracer === "function"
      : typeof tracer?.startSpan === "function");
  if (fits) return { trace, context, tracer };
  throw invalid(
    "telemetry must be the namespace of @opentelemetry/api, as it is after " +
      'import * as opentelemetry from "@opentelemetry/api"; or { trace, context, tracer } with ' +
      "two parts of it and a tracer.",
  );
}
