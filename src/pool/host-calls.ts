/** Calls of guests into functions of the host: looked up by own name, limited, answered with data. */
import { SkepError } from "../errors.ts";
import type { HostAnswer } from "../environments/contract.ts";
import { FILE_CALL } from "../protocol/file-calls.ts";
import { NO_BUFFERS, type Payload } from "../protocol/payload.ts";
import { encodeAnswer, encodeArray } from "../protocol/values/inbound.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import type { HostCallContext, PreparedHost } from "../registry/host-functions.ts";
import type { Clock } from "./clock.ts";
import type { SharedFiles } from "./files/shared-files.ts";
import type { Run } from "./run.ts";
import type { HostCallTrace } from "./trace.ts";

/** The calls of one run that are under way, and how often it called what. */
interface RunCalls {
  controller?: AbortController;
  hasEnded?: boolean;
  counts: Map<string, number>;
  /** Calls that are not answered yet. */
  open: number;
  /** No longer waits for the run's session to be gone; absent where it has none. */
  forget?: (() => void) | undefined;
}

/** How many calls of a function are under way, and who waits. */
interface Gate {
  active: number;
  waiting: (() => void)[];
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
  readonly #gates = new Map<string, Gate>();

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
      const release = host.concurrency === undefined ? undefined : await this.#enter(host);
      try {
        if (calls.hasEnded) throw named("AbortError", "The run has ended.");
        const args = host.validate === undefined ? given : await validated(host, given);
        const result = this.#call(host, run, calls, trace, args);
        const answer = success(host, await this.#inTime(host, result), !message.isSync, run);
        trace?.end(answer.succeeded);
        return answer;
      } finally {
        release?.();
      }
    } catch (error) {
      trace?.end(false, error);
      return failure(error);
    } finally {
      calls.open--;
      if (run.phase === "settled" && calls.open === 0) this.#end(run);
    }
  }

  /** Answers a call at once, for a guest in the caller's own thread. */
  answerNow(run: Run, message: Pick<HostCall, "name" | "args">): HostAnswer {
    let trace: HostCallTrace | undefined;
    try {
      const calls = this.#of(run);
      const host = this.#admit(run, calls, message.name, true);
      trace = run.trace?.startHostCall(host.name);
      const args = decodeArguments(message.args);
      const checked = host.validate?.["~standard"].validate(args);
      if (checked instanceof Promise) throw cannotWait(host);
      if (checked?.issues) throw invalidArguments(host, checked.issues);
      const given = (checked?.value ?? args) as unknown[];
      const result = this.#call(host, run, calls, trace, given);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw cannotWait(host);
      }
      const answer = success(host, result, true, run);
      trace?.end(answer.succeeded);
      return answer;
    } catch (error) {
      trace?.end(false, error);
      return failure(error);
    }
  }

  #call(
    host: PreparedHost,
    run: Run,
    calls: RunCalls,
    trace: HostCallTrace | undefined,
    args: unknown[],
  ): unknown {
    const context = this.#context(run, calls, trace?.traceparent);
    const call = (): unknown => Reflect.apply(host.fn, context, args as never[]);
    return trace === undefined ? call() : trace.within(call);
  }

  /** A run ended: whoever still works for it is told. */
  #end(run: Run): void {
    const calls = this.#runs.get(run);
    if (calls === undefined) return;
    this.#runs.delete(run);
    calls.hasEnded = true;
    calls.forget?.();
    calls.controller?.abort(new SkepError("aborted", `The run "${run.name}" has ended.`));
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
    const calls: RunCalls = { counts: new Map(), open: 0 };
    this.#runs.set(run, calls);
    const end = (): void => this.#end(run);
    // A session's guest may wait for the answer in a later run.
    run.onSettled = () => (run.session === undefined || calls.open === 0) && end();
    calls.forget = run.session?.untilGone(end);
    return calls;
  }

  #context(run: Run, calls: RunCalls, traceparent: string | undefined): HostCallContext {
    return {
      runId: run.id,
      key: run.key,
      traceparent,
      // Most host functions never look: a controller is made for those that do.
      get signal() {
        if (calls.controller === undefined) {
          calls.controller = new AbortController();
          if (calls.hasEnded) calls.controller.abort();
        }
        return calls.controller.signal;
      },
    };
  }

  /** Waits until the function may have one more call under way. */
  async #enter(host: PreparedHost): Promise<() => void> {
    const { concurrency, name } = host;
    if (concurrency === undefined) return () => {};
    let gate = this.#gates.get(name);
    if (gate === undefined) this.#gates.set(name, (gate = { active: 0, waiting: [] }));
    const { waiting } = gate;
    if (gate.active >= concurrency) await new Promise<void>((resolve) => waiting.push(resolve));
    else gate.active++;
    return () => {
      // A place is handed on rather than freed, so that nobody slips in between.
      const next = waiting.shift();
      if (next) next();
      else gate.active--;
    };
  }

  #inTime(host: PreparedHost, result: unknown): unknown {
    const { timeoutMs, name } = host;
    if (!(result instanceof Promise) || timeoutMs === undefined) return result;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(timeoutMs, () => {
        reject(named("TimeoutError", `host.${name} did not answer within ${timeoutMs} ms.`));
      });
      result.then(resolve, reject).finally(cancel);
    });
  }
}

function decodeArguments({ bytes, buffers }: Payload): unknown[] {
  const args = decodeValue(bytes, buffers);
  if (!Array.isArray(args)) throw new TypeError("Arguments must be an array.");
  return args as unknown[];
}

async function validated(host: PreparedHost, args: unknown[]): Promise<unknown[]> {
  if (host.validate === undefined) return args;
  const checked = await host.validate["~standard"].validate(args);
  if (checked.issues) throw invalidArguments(host, checked.issues);
  return checked.value as unknown[];
}

function invalidArguments(
  host: PreparedHost,
  issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[],
): Error {
  const reasons = issues.map(({ message, path }) => {
    const where = (path ?? [])
      .map((step) => String((step as { key?: unknown })?.key ?? step))
      .join(".");
    return where === "" ? message : `args.${where}: ${message}`;
  });
  return named(
    "TypeError",
    `host.${host.name} was called with the wrong arguments: ${reasons.join("; ")}`,
  );
}

function cannotWait(host: PreparedHost): Error {
  return named(
    "TypeError",
    `hostSync.${host.name} returns a promise, which this environment cannot wait for: use await host.${host.name}().`,
  );
}

function inBytes(bytes: Uint8Array): Payload {
  return { bytes, buffers: NO_BUFFERS };
}

/** What a run is told that is ended for what it would be given. */
export function tooLarge(): HostAnswer {
  const answer = failure(named("RangeError", "The answer of the host is too large."));
  return { ...answer, isTooLarge: true };
}

function success(host: PreparedHost, value: unknown, beside: boolean, run: Run): HostAnswer {
  try {
    // [kind, value]: kind 0 is a value, see `guest/boot/host.ts`.
    const parts = [0, value];
    const root = `the result of host.${host.name}`;
    const { bytesIn } = run.limits;
    const maximumBytes = bytesIn === 0 ? Number.POSITIVE_INFINITY : bytesIn;
    const payload = encodeAnswer(parts, root, { beside, maximumBytes });
    return { succeeded: true, payload };
  } catch (error) {
    if (error instanceof SkepError && error.code === "input-exceeded") return tooLarge();
    const message = error instanceof Error ? error.message.replace(/\[1\]/, "") : String(error);
    return failure(named("TypeError", message));
  }
}

/** Name, message, code and own data of what a host function threw; never its stack, never itself. */
function failure(error: unknown): HostAnswer {
  const isError = error instanceof Error;
  const name = isError ? error.name : "Error";
  const message = isError ? error.message : String(error);
  const code = isError ? (error as { code?: unknown }).code : undefined;
  const data = isError ? ownData(error) : {};
  const fields = [
    name,
    message,
    typeof code === "string" || typeof code === "number" ? code : undefined,
  ];
  try {
    return { succeeded: false, payload: inBytes(encodeArray([...fields, data], "error")) };
  } catch {
    return { succeeded: false, payload: inBytes(encodeArray([...fields, {}], "error")) };
  }
}

const ERROR_FIELDS = new Set(["name", "message", "stack", "cause", "code"]);

function ownData(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error).filter(([key]) => !ERROR_FIELDS.has(key)));
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
