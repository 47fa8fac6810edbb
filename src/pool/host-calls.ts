/** Calls of guests into functions of the host: looked up by own name, limited, answered with data. */
import { SkepError } from "../errors.ts";
import type { HostAnswer } from "../environments/contract.ts";
import { FILE_CALL } from "../protocol/file-calls.ts";
import type { Payload } from "../protocol/payload.ts";
import type { HostCallContext, PreparedHost } from "../registry/host-functions.ts";
import type { Clock } from "./clock.ts";
import type { SharedFiles } from "./files/shared-files.ts";
import { failure, named, success, tooLarge } from "./host-answers.ts";
import { acceptedArguments, decodeArguments, isThenable } from "./host-arguments.ts";
import { HostGates, type Leave } from "./host-gates.ts";
import type { Run } from "./run.ts";
import type { HostCallTrace } from "./trace.ts";

/** The calls of one run that are under way, and how often it called what. */
interface RunCalls {
  /** Those whose signals fire when the run ends: one for all, and one for each call with a timeout. */
  controllers: Set<AbortController>;
  shared?: AbortController;
  /** Those that wait for a place give up. */
  waiting: Set<() => void>;
  /** Why the run needs no answers any more. */
  ending?: SkepError;
  counts: Map<string, number>;
  /** Calls that are not answered yet. */
  open: number;
  /** No longer waits for the run's session to be gone; absent where it has none. */
  forget?: (() => void) | undefined;
}

/** One call of a host function. */
interface Call {
  host: PreparedHost;
  run: Run;
  calls: RunCalls;
  trace: HostCallTrace | undefined;
  /** Of its own, where it can time out before its run ends. */
  controller?: AbortController;
  /** Why nobody waits for it any more, while its run goes on. */
  timeout?: Error;
}

/** What a guest asks for. */
interface HostCall {
  name: string;
  args: Payload;
  /** The worker waits for the answer in its mailbox, which takes bytes only. */
  isSync: boolean;
}

export class HostCalls {
  readonly #find: (name: string) => PreparedHost | undefined;
  readonly #clock: Clock;
  readonly #files: SharedFiles | undefined;
  readonly #runs = new Map<Run, RunCalls>();
  readonly #gates = new HostGates();

  constructor(find: (name: string) => PreparedHost | undefined, clock: Clock, files?: SharedFiles) {
    this.#find = find;
    this.#files = files;
    this.#clock = clock;
  }

  /** Whether a call leaves nothing behind when its run fails. */
  isUndoable(name: string): boolean {
    return name.startsWith(FILE_CALL) && this.#files?.setup.isUndoable === true;
  }

  /** Answers a call. Never rejects: failures are answers too. */
  async answer(run: Run, message: HostCall): Promise<HostAnswer> {
    let trace: HostCallTrace | undefined;
    const calls = this.#of(run);
    calls.open++;
    try {
      const host = this.#admit(run, calls, message.name, false);
      trace = run.trace?.startHostCall(host.name);
      // The bytes are a view of a batch: they are read before anything is waited for.
      const given = decodeArguments(message.args);
      // What needs not wait begins in the order in which it was asked for.
      const leave = this.#tryEnter(host) ?? (await this.#enter(host, run, calls));
      try {
        const result = this.#inTime({ host, run, calls, trace }, given);
        const answer = success(host, await result, !message.isSync, run);
        trace?.end(answer.succeeded);
        return answer;
      } finally {
        leave();
      }
    } catch (error) {
      trace?.end(false, error);
      return failure(error, run);
    } finally {
      calls.open--;
      if (run.phase === "settled" && calls.open === 0) this.#end(run);
    }
  }

  /** The answer in place of one that a run may not have. */
  tooLarge(): HostAnswer {
    return tooLarge();
  }

  /** Answers a call at once, for a guest in the caller's own thread. */
  answerNow(run: Run, message: Pick<HostCall, "name" | "args">): HostAnswer {
    let trace: HostCallTrace | undefined;
    try {
      const calls = this.#of(run);
      const host = this.#admit(run, calls, message.name, true);
      trace = run.trace?.startHostCall(host.name);
      const given = decodeArguments(message.args);
      const leave = this.#tryEnter(host);
      if (leave === undefined) throw noPlace(host);
      try {
        const result = this.#perform({ host, run, calls, trace }, given, (_, verdict) => {
          throw cannotWait(host, verdict);
        });
        if (isThenable(result)) throw cannotWait(host, result);
        const answer = success(host, result, true, run);
        trace?.end(answer.succeeded);
        return answer;
      } finally {
        leave();
      }
    } catch (error) {
      trace?.end(false, error);
      return failure(error, run);
    }
  }

  /** Validates and calls. A validator that takes its time is `wait`ed for. */
  #perform(
    call: Call,
    given: unknown[],
    wait: (host: PreparedHost, verdict: PromiseLike<unknown>) => unknown,
  ): unknown {
    const { host } = call;
    if (host.validate === undefined) return this.#call(call, given);
    const verdict: unknown = host.validate["~standard"].validate(given);
    if (isThenable(verdict)) return wait(host, verdict);
    return this.#call(call, acceptedArguments(host, verdict));
  }

  #call(call: Call, args: unknown[]): unknown {
    const { host, trace, calls, timeout } = call;
    // Both may have come while it waited for a place, or for its validator.
    if (calls.ending !== undefined) throw named("AbortError", "The run has ended.");
    if (timeout !== undefined) throw timeout;
    const context = this.#context(call);
    const apply = (): unknown => Reflect.apply(host.fn, context, args as never[]);
    return trace === undefined ? apply() : trace.within(apply);
  }

  /** A run ended: whoever still works for it is told. */
  #end(run: Run): void {
    const calls = this.#runs.get(run);
    if (calls === undefined) return;
    this.#runs.delete(run);
    calls.ending = new SkepError("aborted", `The run "${run.name}" has ended.`);
    calls.forget?.();
    for (const giveUp of calls.waiting) giveUp();
    for (const controller of calls.controllers) controller.abort(calls.ending);
  }

  #admit(run: Run, calls: RunCalls, name: string, isNow: boolean): PreparedHost {
    const host = name.startsWith(FILE_CALL)
      ? this.#files?.operation(run, name.slice(FILE_CALL.length), isNow)
      : this.#find(name);
    if (host === undefined) throw named("ReferenceError", `host.${name} is not defined.`);
    const count = (calls.counts.get(name) ?? 0) + 1;
    calls.counts.set(name, count);
    if (host.maxCallsPerRun !== undefined && count > host.maxCallsPerRun) {
      throw named("RangeError", `host.${name} may be called ${host.maxCallsPerRun} times per run.`);
    }
    return host;
  }

  #of(run: Run): RunCalls {
    const known = this.#runs.get(run);
    if (known !== undefined) return known;
    const calls: RunCalls = {
      controllers: new Set(),
      waiting: new Set(),
      counts: new Map(),
      open: 0,
    };
    this.#runs.set(run, calls);
    const end = (): void => this.#end(run);
    // A session's guest may wait for the answer in a later run.
    run.onSettled = () => (run.session === undefined || calls.open === 0) && end();
    calls.forget = run.session?.untilGone(end);
    return calls;
  }

  #context(call: Call): HostCallContext {
    const { run, trace } = call;
    return {
      runId: run.id,
      key: run.key,
      traceparent: trace?.traceparent,
      // Most host functions never look: a controller is made for those that do.
      get signal() {
        return controllerOf(call).signal;
      },
    };
  }

  #tryEnter({ concurrency, name }: PreparedHost): Leave | undefined {
    return concurrency === undefined ? stay : this.#gates.tryEnter(name, concurrency);
  }

  /** Waits until the function may have one more call under way. Rejects when the run ends before. */
  async #enter({ concurrency = 1, name }: PreparedHost, run: Run, calls: RunCalls): Promise<Leave> {
    let giveUp: (() => void) | undefined;
    const leave = await this.#gates.enter(name, concurrency, run.key ?? run, (stop) => {
      giveUp = stop;
      calls.waiting.add(stop);
    });
    if (giveUp) calls.waiting.delete(giveUp);
    if (leave === undefined) throw named("AbortError", "The run has ended.");
    return leave;
  }

  /** What the function answers, or that it took too long. */
  #inTime(call: Call, given: unknown[]): unknown {
    const { timeoutMs, name } = call.host;
    const result = this.#perform(call, given, async (host, verdict) =>
      this.#call(call, acceptedArguments(host, await verdict)),
    );
    if (timeoutMs === undefined || !isThenable(result)) return result;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(timeoutMs, () => {
        call.timeout = named("TimeoutError", `host.${name} did not answer within ${timeoutMs} ms.`);
        reject(call.timeout);
        call.controller?.abort(call.timeout);
      });
      Promise.resolve(result).then(resolve, reject).finally(cancel);
    });
  }
}

/** Tells the function that nobody waits for it any more. */
function controllerOf(call: Call): AbortController {
  const { calls, host } = call;
  const known = host.timeoutMs === undefined ? calls.shared : call.controller;
  if (known !== undefined) return known;
  const controller = new AbortController();
  if (host.timeoutMs === undefined) calls.shared = controller;
  else call.controller = controller;
  const reason = calls.ending ?? call.timeout;
  if (reason === undefined) calls.controllers.add(controller);
  else controller.abort(reason);
  return controller;
}

function stay(): void {}

function noPlace({ name, concurrency }: PreparedHost): Error {
  return named(
    "RangeError",
    `host.${name} has ${concurrency} calls under way, as many as its concurrency allows, and this environment cannot wait for one to end: use await host.${name}().`,
  );
}

/** Throws where there is no thread to block. */
function cannotWait({ name }: PreparedHost, awaited: unknown): Error {
  // Nobody else hears of its rejection. What only looks like a promise may begin its work with then().
  if (awaited instanceof Promise) awaited.catch(() => {});
  return named(
    "TypeError",
    `hostSync.${name} returns a promise, which this environment cannot wait for: use await host.${name}().`,
  );
}
