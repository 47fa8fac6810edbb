/** The local context: a sandbox in this thread, whose values are worked on through handles. */
import type * as core from "quickjs-emscripten-core";
import type { Platform } from "../../environments/contract.ts";
import { SkepError } from "../../errors.ts";
import { LocalGlobals } from "./local-globals.ts";
import { LocalValues } from "./local-values.ts";
import type { WorkerPoolSettings } from "./options.ts";

/** An evaluation as a context of handles gives it. */
export type HandleResult =
  | { value: core.QuickJSHandle; error?: undefined }
  | { value?: undefined; error: core.QuickJSHandle };

export type ContextEvalOptions = core.ContextEvalOptions;

/** The engine's flag for scripts with top-level await: their value is a promise of `{ value }`. */
const ASYNC_FLAG = 1 << 7;

export class LocalContext {
  readonly context: core.QuickJSAsyncContext;
  readonly values: LocalValues;
  readonly globals: LocalGlobals;
  #wasInterrupted = false;
  /** The evaluation that was asked for last: the engine can only suspend one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(context: core.QuickJSAsyncContext, values: LocalValues) {
    this.context = context;
    this.values = values;
    this.globals = new LocalGlobals(context, values);
  }

  static async load(
    platform: Platform,
    { memoryBytes, stackBytes, bootstrapCode }: WorkerPoolSettings,
  ): Promise<LocalContext> {
    const { newQuickJSAsyncWASMModuleFromVariant, newVariant } = await loadCore();
    const { default: variant } = await import("@jitl/quickjs-wasmfile-release-asyncify");
    const wasmModule = await platform.loadEngine("asyncify");
    const engine = await newQuickJSAsyncWASMModuleFromVariant(newVariant(variant, { wasmModule }));
    const context = engine.newContext();
    try {
      if (memoryBytes !== undefined) context.runtime.setMemoryLimit(memoryBytes);
      if (stackBytes !== undefined) context.runtime.setMaxStackSize(stackBytes);
      const values = new LocalValues(context);
      if (bootstrapCode !== undefined) {
        const result = await context.evalCodeAsync(bootstrapCode, "bootstrap.js", { type: "global" });
        context.unwrapResult(result).dispose();
      }
      return new LocalContext(context, values);
    } catch (error) {
      context.dispose();
      throw error;
    }
  }

  /**
   * Evaluates source text: without options a script with top-level await, as in workers, else
   * whatever they say. `timeoutMs` 0 is no limit.
   */
  async evaluate(
    code: string,
    filename: string | undefined,
    options: number | ContextEvalOptions | undefined,
    timeoutMs: number,
  ): Promise<HandleResult> {
    const evaluated = this.#last.then(() =>
      this.#inTime(timeoutMs, () =>
        this.context.evalCodeAsync(code, filename ?? "eval.js", options ?? ASYNC_FLAG),
      ),
    );
    this.#last = evaluated.catch(() => {});
    const result = await evaluated;
    if (result.error !== undefined && timeoutMs > 0 && this.#wasInterrupted) {
      result.error.dispose();
      return { error: this.timeout(timeoutMs) };
    }
    if (result.error !== undefined || options !== undefined) return result as HandleResult;
    return result.value.consume((promise) => this.#settled(promise, timeoutMs));
  }

  /** The value of a script's promise of `{ value }`, which may be a promise again. */
  async #settled(promise: core.QuickJSHandle, timeoutMs: number): Promise<HandleResult> {
    const outer = await this.#resolved(promise, timeoutMs);
    if (outer.error !== undefined) return outer;
    const inner = outer.value.consume((wrapper) => this.context.getProp(wrapper, "value"));
    const isPromise = this.context.typeof(inner) === "object";
    return isPromise ? inner.consume((value) => this.#resolved(value, timeoutMs)) : { value: inner };
  }

  async #resolved(promise: core.QuickJSHandle, timeoutMs: number): Promise<HandleResult> {
    const { context } = this;
    const resolved = context.resolvePromise(promise);
    this.#inTime(timeoutMs, () => context.runtime.executePendingJobs()).dispose();
    if (timeoutMs === 0) return (await resolved) as HandleResult;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<HandleResult>((resolve) => {
      timer = setTimeout(() => resolve({ error: this.timeout(timeoutMs) }), timeoutMs);
    });
    try {
      return await Promise.race([resolved as Promise<HandleResult>, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Enters the engine, which is interrupted when it takes too long. */
  #inTime<Result>(timeoutMs: number, enter: () => Result): Result {
    if (timeoutMs === 0) return enter();
    const { runtime } = this.context;
    const deadline = performance.now() + timeoutMs;
    this.#wasInterrupted = false;
    runtime.setInterruptHandler(() => {
      const isLate = performance.now() > deadline;
      this.#wasInterrupted ||= isLate;
      return isLate;
    });
    const result = enter();
    // Where it is suspended, the handler stays until it has come to its end.
    if (result instanceof Promise) {
      void result.then(
        () => runtime.removeInterruptHandler(),
        () => runtime.removeInterruptHandler(),
      );
    } else runtime.removeInterruptHandler();
    return result;
  }

  /** An error that says so. */
  timeout(timeoutMs: number): core.QuickJSHandle {
    return this.context.newError({
      name: "TimeoutError",
      message: `Task timed out after ${timeoutMs}ms`,
    });
  }

  dispose(): void {
    this.values.dispose();
    this.context.dispose();
  }
}

async function loadCore(): Promise<typeof core> {
  try {
    return await import("quickjs-emscripten-core");
  } catch (cause) {
    throw new SkepError(
      "unsupported-environment",
      "A context with handles needs quickjs-emscripten-core, which could not be loaded. " +
        "Run npm install quickjs-emscripten-core@0.32, or pass workerOnly: true.",
      { cause },
    );
  }
}
