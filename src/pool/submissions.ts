/** The way in: from what a caller says to a run that the dispatcher has. */
import { SkepError } from "../errors.ts";
import type { PoolCore } from "./core.ts";
import { callLimits, type Limits } from "./limits.ts";
import { checkRunOptions } from "./options.ts";
import { startBytes } from "../protocol/payload.ts";
import { tooMuchSource } from "./outcome.ts";
import { executionTarget, functionTarget, nothingOf, type Subject } from "./run-target.ts";
import {
  type EvalOptions,
  type Execution,
  Run,
  type RunOptions,
  type RunOutcome,
  type RunSession,
  type RunTarget,
} from "./run.ts";
import { type IsDependency, sourceTarget } from "./source-target.ts";
import type { Telemetry } from "./telemetry.ts";
import { detach } from "./transfer.ts";

export const NO_OPTIONS: RunOptions = {};

interface Caller extends Pick<Run, "resolve" | "reject" | "wantsOutcome" | "limits" | "session"> {
  subject: Subject;
  /** The OpenTelemetry context it calls in. */
  parent: unknown;
}

export class Submissions {
  readonly #core: PoolCore;
  readonly #telemetry: Telemetry | undefined;
  /** Evaluations whose modules or types are still being seen to. */
  readonly #preparing = new Set<Promise<void>>();

  constructor(core: PoolCore, telemetry: Telemetry | undefined) {
    this.#core = core;
    this.#telemetry = telemetry;
  }

  run(
    name: string,
    args: readonly unknown[],
    options: RunOptions,
    session?: RunSession,
  ): Promise<unknown> {
    return this.#submit(
      (limits) => functionTarget(name, args, options.transfer, limits),
      name,
      options,
      "run",
      false,
      session,
    );
  }

  eval(source: string, options: EvalOptions, session?: RunSession): Promise<unknown> {
    const makeTarget = () => sourceTarget(source, options, this.#isDependency);
    return this.#submit(makeTarget, options, options, "eval", false, session);
  }

  execute(execution: Execution, options: RunOptions, session?: RunSession): Promise<RunOutcome> {
    const makeTarget = (limits: Limits) =>
      executionTarget(execution, options.transfer, limits, this.#isDependency);
    const outcome = this.#submit(makeTarget, execution, options, "run", true, session);
    return outcome as Promise<RunOutcome>;
  }

  /** Resolves when what was submitted so far has got to the dispatcher; undefined when it has. */
  arrival(): Promise<unknown> | undefined {
    return this.#preparing.size > 0 ? Promise.all(this.#preparing) : undefined;
  }

  #submit(
    makeTarget: (limits: Limits) => RunTarget | Promise<RunTarget>,
    subject: Subject,
    options: RunOptions | EvalOptions,
    kind: "run" | "eval",
    wantsOutcome: boolean,
    session: RunSession | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // Everything thrown in here rejects the promise.
      if (options !== NO_OPTIONS) {
        checkRunOptions(options, kind);
        session?.checkOptions(options);
      }
      const { settings } = this.#core;
      const { environment, engine } = settings;
      const usual = session?.limits ?? settings.limits;
      const limits =
        options === NO_OPTIONS ? usual : callLimits(options, usual, environment.stackBytes[engine]);
      const parent = this.#telemetry?.active();
      const caller = { resolve, reject, wantsOutcome, limits, subject, parent, session };
      let target: RunTarget | Promise<RunTarget>;
      try {
        target = makeTarget(limits);
      } catch (error) {
        this.#refuse(error, options, caller);
        return;
      }
      if (target instanceof Promise) {
        const now = { ...options };
        const accepted = target
          .then(
            (prepared) => this.#accept(prepared, undefined, now, caller),
            (error: unknown) => this.#refuse(error, now, caller),
          )
          .catch(reject);
        this.#preparing.add(accepted);
        void accepted.finally(() => this.#preparing.delete(accepted));
      } else this.#accept(target, undefined, options, caller);
    });
  }

  /** What cannot be encoded or read is an outcome; a wrong call is not. */
  #refuse(error: unknown, options: RunOptions | EvalOptions, caller: Caller): void {
    if (error instanceof SkepError && error.code !== "invalid-argument") {
      this.#accept(nothingOf(caller.subject), error, options, caller);
    } else caller.reject(error as SkepError);
  }

  #accept(
    target: RunTarget,
    refusal: SkepError | undefined,
    options: RunOptions | EvalOptions,
    { resolve, reject, wantsOutcome, limits, parent, session }: Caller,
  ): void {
    const { admission, dispatcher, settlement, clock } = this.#core;
    const run = new Run(dispatcher.inFlight.nextRunId(), target, limits, clock.now());
    run.resolve = resolve;
    run.reject = reject;
    run.wantsOutcome = wantsOutcome;
    run.session = session;
    if (options !== NO_OPTIONS) applyOptions(run, options);
    run.trace = this.#telemetry?.begin(run, parent);
    if (refusal !== undefined) {
      settlement.refuse(run, refusal);
      return;
    }
    if (limits.bytesIn > 0 && target.type === "source" && startBytes(target) > limits.bytesIn) {
      settlement.refuse(run, tooMuchSource(run, settlement.receipt(run)));
      return;
    }
    const transfer = "transfer" in options ? options.transfer : undefined;
    if (transfer !== undefined && target.type === "function" && !admission.obstacle(run)) {
      try {
        target.args = detach(transfer, target.args);
      } catch (error) {
        settlement.refuse(run, error as SkepError);
        return;
      }
    }
    if (limits.totalMs > 0) dispatcher.watchTotalTime(run);
    dispatcher.submit(run);
  }

  readonly #isDependency: IsDependency = (name) =>
    this.#core.registry.dependency(name) !== undefined;
}

function applyOptions(run: Run, options: RunOptions): void {
  const { signal, priority, key } = options;
  run.signal = signal;
  run.priority = priority ?? 0;
  run.key = key;
}
