/** OpenTelemetry spans, with the real SDK: the same suite in every environment. */
import * as opentelemetry from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostCallContext, Pool, TelemetryOptions } from "skep";
import type { Terrain } from "./suite.ts";

const SECRET = "what the guest says is nobody else's business";

const ms = ([seconds, nanoseconds]: [number, number]): number => seconds * 1e3 + nanoseconds / 1e6;

export function telemetryContract(terrain: Terrain): void {
  const { environment, engine } = terrain;

  describe(`telemetry: ${environment}, ${engine}`, () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    const tracer = provider.getTracer("test");
    const contexts: HostCallContext[] = [];
    const inHost: (opentelemetry.Span | undefined)[] = [];
    let pool: Pool;

    /** What `AsyncLocalStorage` does for Node, as far as it is synchronous. */
    class StackContexts implements opentelemetry.ContextManager {
      #current = opentelemetry.ROOT_CONTEXT;
      active(): opentelemetry.Context {
        return this.#current;
      }
      with<Args extends unknown[], Task extends (...args: Args) => ReturnType<Task>>(
        context: opentelemetry.Context,
        task: Task,
        thisArgument?: ThisParameterType<Task>,
        ...args: Args
      ): ReturnType<Task> {
        const before = this.#current;
        this.#current = context;
        try {
          return task.apply(thisArgument, args);
        } finally {
          this.#current = before;
        }
      }
      bind<Target>(_context: opentelemetry.Context, target: Target): Target {
        return target;
      }
      enable(): this {
        return this;
      }
      disable(): this {
        return this;
      }
    }

    beforeAll(async () => {
      opentelemetry.context.setGlobalContextManager(new StackContexts());
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        limits: { timeoutMs: 5_000, memoryBytes: 24 * 2 ** 20 },
        telemetry: { ...opentelemetry, tracer },
        functions: {
          add: "(a, b) => a + b",
          spin: "() => { while (true) {} }",
          ask: "async (text) => { await host.note(text); await host.note(text); }",
          askSync: "(text) => { hostSync.note(text); }",
          askWrongly: "async (text) => { await host.refuse(text); }",
          askNobody: `async (name) => {
            const caught = await host[name]?.(name);
            throw Object.assign(new Error(name), { name });
          }`,
        },
        host: {
          note(this: HostCallContext) {
            contexts.push(this);
            inHost.push(opentelemetry.trace.getActiveSpan());
          },
          trap() {
            throw new Proxy(new Error("x"), {
              getPrototypeOf: () => {
                throw new Error("trap");
              },
            });
          },
          refuse(text: string) {
            throw new RangeError(text);
          },
        },
      });
    });
    afterAll(async () => {
      await pool.close({ force: true });
      opentelemetry.context.disable();
    });
    beforeEach(() => {
      exporter.reset();
      contexts.length = 0;
      inHost.length = 0;
    });

    function spans(name: string): ReadableSpan[] {
      return exporter.getFinishedSpans().filter((span) => span.name === name);
    }
    function only(name: string): ReadableSpan {
      const [span, ...more] = spans(name);
      if (span === undefined || more.length > 0) {
        const names = exporter.getFinishedSpans().map((finished) => finished.name);
        throw new Error(`There is not one "${name}" among ${names.join(", ")}.`);
      }
      return span;
    }

    it("has a span per run, with one for the queue and one for the worker", async () => {
      const outcome = await pool.execute({ run: "add", args: [1, 2] }, { key: "tenant" });
      const run = only("skep.run add");
      const queue = only("skep.queue");
      const worker = only("skep.worker");
      const { receipt } = outcome;
      expect(run.attributes).toEqual({
        "skep.run_id": run.attributes["skep.run_id"],
        "skep.name": "add",
        "skep.key": "tenant",
        "skep.outcome": "ok",
        "skep.worker_id": 1,
        "skep.attempts": 1,
        "skep.queued_ms": receipt.queuedMs,
        "skep.wall_ms": receipt.wallMs,
        "skep.cpu_ms": receipt.cpuMs,
        "skep.gas": receipt.gas,
        "skep.peak_memory_bytes": receipt.peakMemoryBytes,
        "skep.host_calls": 0,
        "skep.bytes_in": receipt.bytesIn,
        "skep.bytes_out": receipt.bytesOut,
      });
      expect(run.status.code).toBe(opentelemetry.SpanStatusCode.UNSET);
      expect(run.parentSpanContext).toBe(undefined);
      for (const child of [queue, worker]) {
        expect(child.parentSpanContext?.spanId).toBe(run.spanContext().spanId);
        expect(child.spanContext().traceId).toBe(run.spanContext().traceId);
      }
      // Times have nanoseconds, and are sums of floating-point numbers.
      expect(ms(queue.startTime)).toBeCloseTo(ms(run.startTime), 2);
      expect(ms(queue.endTime)).toBeCloseTo(ms(worker.startTime), 2);
      expect(ms(worker.endTime)).toBeCloseTo(ms(run.endTime), 2);
      expect(ms(queue.duration)).toBeCloseTo(receipt.queuedMs, 2);
      expect(ms(worker.duration)).toBeCloseTo(receipt.wallMs, 2);
      expect(Math.abs(ms(run.endTime) - Date.now())).toBeLessThan(2_000);
    });

    it("belongs to the span that was active when the run was submitted", async () => {
      const parent = tracer.startSpan("request");
      const context = opentelemetry.trace.setSpan(opentelemetry.ROOT_CONTEXT, parent);
      const runs = opentelemetry.context.with(context, () => [
        pool.run("add", [1, 2]),
        // With modules, a run is submitted later than it is asked for.
        pool.eval("import './a.js'", { type: "module", modules: { "./a.js": "" } }),
      ]);
      await Promise.all(runs);
      for (const name of ["skep.run add", "skep.eval"]) {
        expect(only(name).parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
      }
    });

    it("has a span per host call, active in it, and handed on as traceparent", async () => {
      await pool.run("ask", [SECRET]);
      const run = only("skep.run ask");
      const calls = spans("skep.host note");
      expect(calls).toHaveLength(2);
      expect(contexts.map(({ traceparent }) => traceparent)).toEqual(
        calls.map((call) => `00-${call.spanContext().traceId}-${call.spanContext().spanId}-01`),
      );
      expect(inHost.map((span) => span?.spanContext().spanId)).toEqual(
        calls.map((call) => call.spanContext().spanId),
      );
      for (const call of calls) {
        expect(call.parentSpanContext?.spanId).toBe(run.spanContext().spanId);
        expect(call.attributes).toEqual({ "skep.host_function": "note" });
        expect(ms(call.startTime)).toBeGreaterThanOrEqual(ms(run.startTime));
        expect(ms(call.endTime)).toBeLessThanOrEqual(ms(run.endTime) + 0.01);
      }
    });

    it.runIf(terrain.signals || !terrain.threaded)("also of synchronous ones", async () => {
      await pool.run("askSync", [SECRET]);
      const call = only("skep.host note");
      expect(contexts[0]?.traceparent).toContain(call.spanContext().spanId);
      expect(inHost[0]?.spanContext().spanId).toBe(call.spanContext().spanId);
    });

    it("ends the span of a host call whatever it threw", async () => {
      expect(await pool.eval("await host.trap().catch((error) => error.message)")).toBe("x");
      expect(only("skep.host trap").status.message).toBe("_OTHER");
    });

    it("marks failures with their codes, and tells nothing of what guests say", async () => {
      await pool.run("add", [1, () => 2]).catch(() => {});
      await pool.run("spin", [], { timeoutMs: 20 }).catch(() => {});
      await pool.run("nobody").catch(() => {});
      await pool.run("askWrongly", [SECRET]).catch(() => {});
      await pool.run("askNobody", [SECRET]).catch(() => {});
      await pool.eval(`throw new Error("${SECRET}")`).catch(() => {});
      const codes = exporter
        .getFinishedSpans()
        .filter((span) => span.attributes["skep.outcome"] !== undefined)
        .map(({ name, status, attributes }) => {
          expect(status.code).toBe(opentelemetry.SpanStatusCode.ERROR);
          expect(attributes["skep.outcome"]).toBe(status.message);
          expect(attributes["error.type"]).toBe(status.message);
          return [name, status.message];
        });
      expect(codes).toEqual([
        ["skep.run add", "not-marshallable"],
        ["skep.run spin", "timeout"],
        ["skep.run nobody", "unknown-function"],
        ["skep.run askWrongly", "guest-error"],
        ["skep.run askNobody", "guest-error"],
        ["skep.eval", "guest-error"],
      ]);
      expect(only("skep.host refuse")).toMatchObject({
        status: { code: opentelemetry.SpanStatusCode.ERROR, message: "RangeError" },
        attributes: { "error.type": "RangeError" },
      });
      // What was refused waited for nothing; what ran, did.
      expect(spans("skep.queue")).toHaveLength(4);
      expect(spans("skep.worker")).toHaveLength(4);
      const everything = exporter
        .getFinishedSpans()
        .map(({ name, attributes, status, events }) => [name, attributes, status, events]);
      expect(JSON.stringify(everything)).not.toContain(SECRET);
    });

    it("goes on without a tracer that throws, and says so once", async () => {
      const broken: TelemetryOptions = {
        ...opentelemetry,
        tracer: {
          startSpan() {
            throw new Error("No spans today.");
          },
        },
      };
      const other = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        telemetry: broken,
        host: {
          note(this: HostCallContext) {
            contexts.push(this);
          },
        },
      });
      try {
        const warnings: string[] = [];
        other.on("warning", ({ name }) => warnings.push(name));
        expect(await other.eval("await host.note(); 1")).toBe(1);
        expect(await other.eval("2")).toBe(2);
        expect(warnings).toEqual(["telemetry-failed"]);
        expect(contexts.map(({ traceparent }) => traceparent)).toEqual([undefined]);
      } finally {
        await other.close();
      }
    });

    it("hands on no traceparent where nothing is recorded", async () => {
      const { trace, context } = opentelemetry;
      const other = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        // No provider is registered, so that its tracers do nothing.
        telemetry: { trace, context },
        host: {
          note(this: HostCallContext) {
            contexts.push(this);
          },
        },
      });
      try {
        await other.eval("await host.note()");
        expect(contexts.map(({ traceparent }) => traceparent)).toEqual([undefined]);
      } finally {
        await other.close();
      }
    });
  });
}
