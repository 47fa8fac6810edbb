/** A session: one sandbox whose state persists from task to task. */
import type { SourceOptions } from "../../pool/run.ts";
import type { Session } from "../../pool/session.ts";
import type { Log } from "./log.ts";
import { checkTask, type TaskOptions } from "./options.ts";
import { poolDisposedResult, releasedResult, type WorkerTaskResult } from "./results.ts";
import type { Globals, Tasks } from "./tasks.ts";

/** Options of a task in a session: its tasks take turns. */
export type SessionEvalOptions = Omit<TaskOptions, "priority">;

export interface SessionSurroundings {
  tasks: Tasks;
  log: Log | undefined;
  defaultTimeoutMs: number;
  /** What is to be put on the global object before a task. */
  globals: (() => Globals | undefined) | undefined;
  isPoolDisposed(): boolean;
  onReleased(session: WorkerSession): void;
}

/** One sandbox that is kept from task to task, until it is released. */
export class WorkerSession implements Disposable, AsyncDisposable {
  /** `session-1`, `session-2` and so on. */
  readonly sessionId: string;
  readonly #session: Session;
  readonly #surroundings: SessionSurroundings;
  #workerId: number;
  #lastTask = 0;
  #isReleased = false;

  /** Sessions are made by `pool.createSession()`. */
  constructor(sessionId: string, session: Session, surroundings: SessionSurroundings) {
    this.sessionId = sessionId;
    this.#session = session;
    this.#surroundings = surroundings;
    this.#workerId = session.workerId ?? 0;
  }

  /**
   * The worker its sandbox is in, or was last while none has it: a session that nobody uses for a
   * minute is put away, and one whose worker was lost goes on in another.
   */
  get workerId(): number {
    return (this.#workerId = this.#session.workerId ?? this.#workerId);
  }

  /** Whether it takes tasks. */
  get alive(): boolean {
    return !this.#isReleased && this.#session.state !== "ended";
  }

  /** Evaluates source text. Tasks of a session take turns, in the order they were asked for. */
  async evalCode(
    code: string,
    options: SessionEvalOptions = {},
    type?: SourceOptions["type"],
  ): Promise<WorkerTaskResult> {
    if (this.#isReleased) return this.#endedResult();
    checkTask(options, "evalCode");
    const { tasks, log, defaultTimeoutMs } = this.#surroundings;
    const { filename, timeout = defaultTimeoutMs } = options;
    const taskId = `${this.sessionId}-task-${++this.#lastTask}`;
    const task = { taskId, code, timeoutMs: timeout };
    log?.("log", `Session ${this.sessionId}: Evaluating on worker #${this.workerId}`);
    log?.("log", `Worker #${this.workerId}: Starting ${taskId}`);
    const globals = this.#surroundings.globals?.();
    const execution = { eval: code, filename, type, globals };
    const outcome = await this.#session.execute(execution, { timeoutMs: timeout });
    if (!outcome.ok && outcome.error.code === "closed") return this.#endedResult();
    const result = tasks.settled(task, outcome);
    log?.("log", `Session ${this.sessionId}: Evaluation complete`);
    return result;
  }

  /** Gives the sandbox up. Tasks that wait end with `SessionReleasedError`. Twice is once. */
  release(): void {
    void this.#release();
  }

  /** The same as {@link release}. */
  dispose(): void {
    this.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Resolves when the sandbox is free. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#release();
  }

  async #release(): Promise<void> {
    if (!this.#isReleased) {
      this.#isReleased = true;
      const { sessionId, workerId } = this;
      this.#surroundings.log?.(
        "log",
        `Session ${sessionId}: Released, returning worker #${workerId} to pool`,
      );
      this.#surroundings.onReleased(this);
    }
    await this.#session.close();
  }

  #endedResult(): WorkerTaskResult {
    return this.#surroundings.isPoolDisposed() ? poolDisposedResult() : releasedResult();
  }
}
