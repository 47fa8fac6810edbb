/** The public face of a session. */
import { SkepError } from "../errors.ts";
import { callSurface } from "./call-surface.ts";
import type { PoolCore } from "./core.ts";
import type { EvalOptions, Execution, RunOptions, RunOutcome } from "./run.ts";
import type { Secret } from "./sealed.ts";
import { encodeImage } from "./session-image.ts";
import type { SessionLine } from "./session-line.ts";
import type { SessionOptions } from "./session-options.ts";
import { NO_OPTIONS, type Submissions } from "./submissions.ts";

export interface SnapshotOptions {
  /** Signs the image, so that only who knows the secret can make one. Default: the pool's `secret`. */
  secret?: Secret | undefined;
}

export interface RestoreOptions extends SessionOptions {
  /** The image must have been signed with it. Default: the pool's `secret`. */
  secret?: Secret | undefined;
}

/** Options of a run in a session: its memory is the session's, and its runs take turns. */
export type SessionRunOptions = Omit<RunOptions, "memoryBytes" | "priority">;
export type SessionEvalOptions = Omit<EvalOptions, "memoryBytes" | "priority">;

/**
 * One sandbox kept for a user: globals, functions, modules, timers and pending promises live on
 * from run to run. Runs take turns in the order they were asked for. Between runs the session
 * stands still: timers that became due and answers of the host that came meanwhile are seen to at
 * the beginning of the next run.
 */
export class Session implements AsyncDisposable {
  /** The functions that are defined, as `pool.call` has them. */
  // oxlint-disable-next-line typescript/no-explicit-any -- functions nobody knows
  readonly call: any;
  readonly #line: SessionLine;
  readonly #core: PoolCore;
  readonly #submissions: Submissions;

  /** Sessions are made by `pool.session()` and `pool.restore()`. */
  constructor(line: SessionLine, core: PoolCore, submissions: Submissions) {
    this.#line = line;
    this.#core = core;
    this.#submissions = submissions;
    this.call = callSurface((name, args) => this.run(name, args));
  }

  /** Unique within the pool. */
  get id(): number {
    return this.#line.id;
  }

  get state(): "active" | "hibernated" | "ended" {
    return this.#line.state;
  }

  /** The worker that has the sandbox at the moment; undefined while none has. */
  get workerId(): number | undefined {
    return this.#line.workerId;
  }

  /** Calls a function that was defined when the session began. */
  run<Result = unknown>(
    name: string,
    args: readonly unknown[] = [],
    options: SessionRunOptions = NO_OPTIONS,
  ): Promise<Result> {
    return this.#concluded(
      this.#submissions.run(name, args, options, this.#line),
    ) as Promise<Result>;
  }

  /** Evaluates source text: a script's completion value, with top-level await, or a module's namespace. */
  eval<Result = unknown>(
    source: string,
    options: SessionEvalOptions = NO_OPTIONS,
  ): Promise<Result> {
    return this.#concluded(this.#submissions.eval(source, options, this.#line)) as Promise<Result>;
  }

  /** Runs a function or source text, and resolves with how it ended and what it cost. */
  execute<Value = unknown>(
    execution: Execution,
    options: SessionRunOptions = NO_OPTIONS,
  ): Promise<RunOutcome<Value>> {
    const outcome = this.#submissions.execute(execution, options, this.#line);
    return this.#concluded(outcome) as Promise<RunOutcome<Value>>;
  }

  /**
   * The session's state as bytes, for `pool.restore()`. Waits for runs that were asked for before.
   * Host calls that its guest waits for at that moment are rejected in the copy, with a
   * `HostCallAbandonedError`.
   */
  async snapshot({ secret }: SnapshotOptions = {}): Promise<Uint8Array> {
    const state = await this.#told(this.#line.capture());
    const { manifest, limits } = this.#line;
    return encodeImage(state, { manifest, limits }, secret ?? this.#core.settings.secret);
  }

  /**
   * Another session in the same state, which goes its own way. Waits for runs that were asked for
   * before. Host calls that the guest waits for are rejected in the copy, as in a snapshot.
   */
  async fork(): Promise<Session> {
    const line = await this.#told(this.#line.fork());
    return new Session(line, this.#core, this.#submissions);
  }

  /**
   * Frees the sandbox. Runs that wait are rejected with `closed`; the one in it is waited for.
   * Closing again does nothing.
   */
  close(): Promise<void> {
    return this.#line.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves once the run has been followed up, e.g. its checkpoint taken. */
  async #concluded(result: Promise<unknown>): Promise<unknown> {
    try {
      return await result;
    } finally {
      await this.#line.afterRun;
    }
  }

  async #told<Result>(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (error) {
      throw workerFailure(`Session ${this.id}`, error);
    }
  }
}

/** What a worker could not do, as callers see it. */
export function workerFailure(what: string, error: unknown): unknown {
  if (error instanceof SkepError || !(error instanceof Error)) return error;
  return new SkepError("worker-lost", `${what}: ${error.message}`, { cause: error });
}
