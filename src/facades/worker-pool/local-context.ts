/** The local context: a sandbox in this thread, whose values are worked on through handles. */
import type * as core from "quickjs-emscripten-core";
import type { Platform } from "../../environments/contract.ts";
import { SkepError } from "../../errors.ts";
import { LocalGlobals, type LocalGlobalsNow } from "./local-globals.ts";
import { LocalValues } from "./local-values.ts";
import type { WorkerPoolSettings } from "./options.ts";

/** An evaluation as a context of handles gives it. */
export type HandleResult =
  | { value: core.QuickJSHandle; error?: undefined }
  | { value?: undefined; error: core.QuickJSHandle };

export type ContextEvalOptions = core.ContextEvalOptions;

/** The engine's flag for scripts with top-level await: their value is a promise of `{ value }`. */
const ASYNC_FLAG = 1 << 7;

/** Reading what is on the global object may run code of whoever put it there: proxies, getters. */
const READING_MS = 1_000;

/** How long one evaluation may take, and whether it took that long. */
interface TimeLimit {
  timeoutMs: number;
  isReached: boolean;
}

export class LocalContext {
  readonly context: core.QuickJSAsyncContext;
  readonly values: LocalValues;
  readonly #globals: LocalGlobals;
  /** What ends code that runs now, or is suspended. */
  readonly #isOver = new Set<() => boolean>();
  /** The evaluation that was asked for last: the engine can only suspend one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(context: core.QuickJSAsyncContext, values: LocalValues) {
    this.context = context;
    this.values = values;
    this.#globals = new LocalGlobals(context, values);
  }

  /** What is on the global object. What cannot be read in a second is taken for local. */
  globalsNow(): LocalGlobalsNow {
    const deadline = performance.now() + READING_MS;
    const stop = this.#interruptWhen(() => performance.now() > deadline);
    try {
      return this.#globals.now();
    } finally {
      stop();
    }
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
        const result = await context.evalCodeAsync(bootstrapCode, "bootstrap.js", {
          type: "global",
        });
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
    const limit: TimeLimit = { timeoutMs, isReached: false };
    const result = await this.#evaluated(code, filename ?? "eval.js", options, limit);
    if (result.error === undefined || !limit.isReached) return result;
    result.error.dispose();
    return { error: this.#timeoutError(timeoutMs) };
  }

  async #evaluated(
    code: string,
    filename: string,
    options: number | ContextEvalOptions | undefined,
    limit: TimeLimit,
  ): Promise<HandleResult> {
    const entered = this.#last.then(() =>
      this.#inTime(limit, () => this.context.evalCodeAsync(code, filename, options ?? ASYNC_FLAG)),
    );
    this.#last = entered.catch(() => {});
    const result = (await entered) as HandleResult;
    if (result.error !== undefined || options !== undefined) return result;
    // A promise of `{ value }`, whose value may be a promise again.
    const outer = await result.value.consume((promise) => this.#resolved(promise, limit));
    if (outer.error !== undefined) return outer;
    const inner = outer.value.consume((wrapper) => this.context.getProp(wrapper, "value"));
    if (this.context.typeof(inner) !== "object") return { value: inner };
    return inner.consume((value) => this.#resolved(value, limit));
  }

  async #resolved(promise: core.QuickJSHandle, limit: TimeLimit): Promise<HandleResult> {
    const { context } = this;
    const resolved = context.resolvePromise(promise) as Promise<HandleResult>;
    this.#inTime(limit, () => context.runtime.executePendingJobs()).dispose();
    const { timeoutMs } = limit;
    if (timeoutMs === 0) return resolved;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<HandleResult>((resolve) => {
      timer = setTimeout(() => {
        limit.isReached = true;
        resolve({ error: context.undefined });
      }, timeoutMs);
    });
    try {
      return await Promise.race([resolved, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Enters the engine, which is interrupted when it takes too long. */
  #inTime<Result>(limit: TimeLimit, enter: () => Result): Result {
    if (limit.timeoutMs === 0) return enter();
    const deadline = performance.now() + limit.timeoutMs;
    const stop = this.#interruptWhen(() => {
      if (performance.now() > deadline) limit.isReached = true;
      return limit.isReached;
    });
    const result = enter();
    // Where it is suspended, the handler stays until it has come to its end.
    if (result instanceof Promise) void result.then(stop, stop);
    else stop();
    return result;
  }

  /** Interrupts the engine when it is over, beside whatever else interrupts it; returns the end of that. */
  #interruptWhen(isOver: () => boolean): () => void {
    const { runtime } = this.context;
    this.#isOver.add(isOver);
    runtime.setInterruptHandler(() => [...this.#isOver].some((ask) => ask()));
    return () => {
      this.#isOver.delete(isOver);
      if (this.#isOver.size === 0 && runtime.alive) runtime.removeInterruptHandler();
    };
  }

  #timeoutError(timeoutMs: number): core.QuickJSHandle {
    const { context } = this;
    const message = `Task timed out after ${timeoutMs}ms`;
    const error = context.newError({ name: "TimeoutError", message });
    context.setProp(error, "isTimeout", context.true);
    return error;
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
