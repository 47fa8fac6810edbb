/** A pool and a local context in one: handles are worked on here, code is evaluated in workers. */
import type {
  ContextEvalOptions,
  QuickJSAsyncContext,
  QuickJSHandle,
} from "quickjs-emscripten-core";
import { loadPart } from "../../load-part.ts";
import type { EnabledSettings } from "./enabled-options.ts";
import { evaluationType } from "./evaluation-flags.ts";
import type { HandleResult, LocalContext } from "./local-context.ts";
import type { GlobalsOfSession, LocalGlobalsNow } from "./local-globals.ts";
import { LocalHandles } from "./local-handles.ts";
import { checkTask, type TaskOptions } from "./options.ts";
import { type PoolParts, QuickJSWorkerPool, startPoolParts } from "./pool.ts";
import { rawHandle } from "./raw-handle.ts";
import { disposedResult, type WorkerTaskError, type WorkerTaskResult } from "./results.ts";
import type { WorkerSession } from "./session.ts";
import type { Globals, WorkerTask } from "./tasks.ts";
import type { WorkerPoolHome } from "./workers.ts";

/** Options of an evaluation: the engine's, and how long it may take. */
export interface WorkerEnabledEvalOptions extends ContextEvalOptions {
  /** Milliseconds it may run; 0 is no limit. Default: the pool's `defaultTimeout`. */
  timeout?: number | undefined;
}

/** How an evaluation ended: handles of the local context. */
export type WorkerEnabledContextResult = HandleResult;

/** What a context is made of. */
export interface EnabledParts {
  parts: PoolParts;
  pool: QuickJSWorkerPool;
  local: LocalContext | undefined;
  session: WorkerSession | undefined;
  settings: EnabledSettings;
}

const NOTHING: LocalGlobalsNow = { data: {}, localOnly: [] };

export class WorkerEnabledContext extends LocalHandles implements Disposable, AsyncDisposable {
  readonly #parts: EnabledParts;
  #isDisposed = false;

  /** Contexts are made by `newWorkerEnabledContext()`. */
  constructor(parts: EnabledParts) {
    super();
    this.#parts = parts;
  }

  get alive(): boolean {
    return !this.#isDisposed;
  }

  /** Whether code is evaluated in threads. */
  get hasWorkerPool(): boolean {
    return this.isMultiThreaded && this.#parts.pool.alive;
  }

  get isMultiThreaded(): boolean {
    return this.#parts.pool.isMultiThreaded;
  }

  get usesSession(): boolean {
    return this.session !== null;
  }

  /** Null with `workerOnly`, and once it is disposed. */
  get localContext(): QuickJSAsyncContext | null {
    return this.#isDisposed ? null : (this.#parts.local?.context ?? null);
  }

  /** Null once it is disposed. */
  get pool(): QuickJSWorkerPool | null {
    return this.#isDisposed ? null : this.#parts.pool;
  }

  /** Null without `useSession`, and once it is disposed. */
  get session(): WorkerSession | null {
    return this.#isDisposed ? null : (this.#parts.session ?? null);
  }

  /**
   * Evaluates source text where `evalStrategy` says, and resolves with a handle of its value or of
   * its error; with `workerOnly` with what `dump()` gives back. What was put on the local global
   * object is there too, but for functions.
   */
  async evalCodeAsync(
    code: string,
    filename?: string,
    options?: number | WorkerEnabledEvalOptions,
  ): Promise<WorkerEnabledContextResult> {
    if (this.#isDisposed) throw disposedError();
    const { local, session, settings } = this.#parts;
    const { evaluation, timeout } = separated(options);
    const task: TaskOptions = { filename, timeout };
    checkTask(task, "evalCodeAsync");
    const { data, localOnly } = this.#globals();
    if (local !== undefined && isLocal(settings, code, localOnly)) {
      return local.evaluate(code, filename, evaluation, timeout ?? settings.pool.defaultTimeoutMs);
    }
    const type = evaluationType(evaluation);
    const result =
      session === undefined
        ? await this.#submit({ ...task, code }, data, type)
        : await session.evalCode(code, task, type);
    return this.#toHandle(explained(result, localOnly));
  }

  /** Evaluates source text in a fresh sandbox, and resolves with values rather than handles. */
  async evalCodeOnWorkers(code: string, options: TaskOptions = {}): Promise<WorkerTaskResult> {
    if (this.#isDisposed) return disposedResult();
    const { data, localOnly } = this.#globals();
    return explained(await this.#submit({ ...options, code }, data), localOnly);
  }

  /** Evaluates several source texts in parallel, as {@link evalCodeOnWorkers} does each. */
  async evalCodeBatch(tasks: readonly (string | WorkerTask)[]): Promise<WorkerTaskResult[]> {
    if (this.#isDisposed) return tasks.map(() => disposedResult());
    const { data, localOnly } = this.#globals();
    const list = tasks.map((task) => (typeof task === "string" ? { code: task } : task));
    const results = await this.#parts.parts.tasks.batch(list, data);
    return results.map((result) => explained(result, localOnly));
  }

  /** Ends the context, its session and its pool. Handles of it are no longer to be used. */
  dispose(): void {
    void this[Symbol.asyncDispose]();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Resolves when the workers are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { pool, local } = this.#parts;
    if (!this.#isDisposed) {
      this.#isDisposed = true;
      local?.dispose();
    }
    await pool[Symbol.asyncDispose]();
  }

  protected override local(operation: string): QuickJSAsyncContext {
    if (this.#isDisposed) throw disposedError();
    const { local } = this.#parts;
    if (local !== undefined) return local.context;
    throw new Error(
      `${operation} needs the local context, and there is none (workerOnly). ` +
        "Leave workerOnly out to work with handles.",
    );
  }

  #globals(): LocalGlobalsNow {
    return this.#parts.local?.globalsNow() ?? NOTHING;
  }

  #submit(
    task: WorkerTask,
    globals: Globals,
    type?: "script" | "module",
  ): Promise<WorkerTaskResult> {
    return this.#parts.parts.tasks.submit(task, globals, type).promise;
  }

  #toHandle({ value, error }: WorkerTaskResult): WorkerEnabledContextResult {
    const { local } = this.#parts;
    // It was disposed while a worker was at it: there is nowhere to put a value any more.
    if (this.#isDisposed) throw disposedError();
    if (error === undefined) {
      return { value: local === undefined ? rawHandle(value) : local.values.toLocal(value) };
    }
    return { error: local === undefined ? rawHandle(error) : errorHandle(local, error) };
  }
}

/** Starts the pool, the session where one is wanted, and the local context. */
export async function startEnabledParts(
  home: WorkerPoolHome,
  settings: EnabledSettings,
): Promise<EnabledParts> {
  const [pool, local] = await Promise.allSettled([
    startPoolParts(home, settings.pool),
    settings.isWorkerOnly ? undefined : loadLocal(home, settings),
  ]);
  if (pool.status === "rejected" || local.status === "rejected") {
    if (pool.status === "fulfilled") await pool.value.workers.core.close(true);
    if (local.status === "fulfilled") local.value?.context.dispose();
    throw pool.status === "rejected" ? pool.reason : (local as PromiseRejectedResult).reason;
  }
  const parts = pool.value;
  const { context, sent } = local.value ?? {};
  const globals = () => context && sent?.changed(context.globalsNow().data);
  return {
    parts,
    pool: new QuickJSWorkerPool(parts),
    local: context,
    session: settings.usesSession ? await parts.sessions.open(globals) : undefined,
    settings,
  };
}

async function loadLocal(
  { platform }: WorkerPoolHome,
  settings: EnabledSettings,
): Promise<{ context: LocalContext; sent: GlobalsOfSession }> {
  const [{ LocalContext: Local }, { GlobalsOfSession: OfSession }] = await Promise.all([
    loadPart("local contexts", () => import("./local-context.ts")),
    loadPart("local contexts", () => import("./local-globals.ts")),
  ]);
  return { context: await Local.load(platform, settings.pool), sent: new OfSession() };
}

/** Whether an evaluation belongs in the local context. */
function isLocal(
  { strategy }: EnabledSettings,
  code: string,
  localOnly: readonly string[],
): boolean {
  if (strategy !== "auto") return strategy === "local";
  return localOnly.some((name) => names(code, name));
}

/** Whether a name occurs in a text, other than as a property or as part of another name. */
function names(code: string, name: string): boolean {
  const literal = name.replaceAll(/[$\\^*+?.()|[\]{}]/g, "\\$&");
  return new RegExp(`(?<![\\w$.]|\\\\u)${literal}(?![\\w$])`, "u").test(code);
}

/** The result, with advice where a worker was asked for what only the local context has. */
function explained(result: WorkerTaskResult, localOnly: readonly string[]): WorkerTaskResult {
  if (result.error?.name !== "ReferenceError") return result;
  const { error } = result;
  const name = /^'?([^\s']+)'? is not defined/.exec(error.message)?.[1];
  if (name === undefined || !localOnly.includes(name)) return result;
  const message =
    `${error.message}: it cannot leave the local context, as it is a function, holds one, or cannot be read. Define ` +
    'it in bootstrapCode, or evaluate with evalStrategy: "auto" or "local".';
  return { error: { ...error, message } };
}

function errorHandle({ context }: LocalContext, error: WorkerTaskError): QuickJSHandle {
  const { name, message, stack, ...flags } = error;
  const handle = context.newError({ name, message });
  if (stack !== undefined) {
    context.newString(stack).consume((text) => context.setProp(handle, "stack", text));
  }
  for (const flag of Object.keys(flags)) context.setProp(handle, flag, context.true);
  return handle;
}

function separated(options: number | WorkerEnabledEvalOptions | undefined): {
  evaluation: number | ContextEvalOptions | undefined;
  timeout: number | undefined;
} {
  if (typeof options !== "object") return { evaluation: options, timeout: undefined };
  const { timeout, ...evaluation } = options;
  return { evaluation: Object.keys(evaluation).length === 0 ? undefined : evaluation, timeout };
}

function disposedError(): Error {
  const error = new Error("Context has been disposed");
  error.name = "DisposedError";
  return error;
}
