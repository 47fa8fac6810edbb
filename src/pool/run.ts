/** One run, from submission to its one settlement. */
import type { SkepError, SkepErrorCode } from "../errors.ts";
import type { RunSourceMessage } from "../protocol/messages.ts";
import type { Payload } from "../protocol/payload.ts";
import type { Receipt } from "../receipt.ts";
import type { RunFiles } from "./files/shared-files.ts";
import type { LimitOptions, Limits } from "./limits.ts";
import type { Place } from "./queue-level.ts";
import type { RunTrace } from "./trace.ts";

/** Options of a single run. Limits that it does not name are the pool's. */
export interface RunOptions extends LimitOptions {
  /** Ends the run early: it leaves the queue at once, and is interrupted when it is running. */
  signal?: AbortSignal | undefined;
  /** Runs of a higher priority leave the queue first. A whole number; default 0. */
  priority?: number | undefined;
  /**
   * Whom the run belongs to, e.g. a customer. Within a priority, keys take turns, however many runs
   * of one of them wait; runs without a key have their turn together.
   */
  key?: string | undefined;
  /** ArrayBuffers among the arguments that the caller gives up: they are detached. */
  transfer?: readonly ArrayBuffer[] | undefined;
}

/** Options of a single evaluation. */
export interface EvalOptions extends Omit<RunOptions, "transfer">, SourceOptions {}

/** How source text is to be understood. */
export interface SourceOptions {
  /** `script` (default): the completion value, with top-level await. `module`: the namespace. */
  type?: "script" | "module" | undefined;
  /** The name that stack traces show, and from which relative imports start. */
  filename?: string | undefined;
  /** `ts`: types are stripped first, with sucrase, which must be installed. Default `js`. */
  language?: "js" | "ts" | undefined;
  /**
   * Modules the source may import besides dependencies: source text by place (`./lib.js`) or name
   * (`lib`). Those whose names end in `.ts` are TypeScript, with `language: "ts"` all but `.js`;
   * those whose names end in `.json` are JSON.
   */
  modules?: Readonly<Record<string, string>> | undefined;
  /** What imports stand for, as in an HTML import map: `{ lib: "./lib.js", "parts/": "./parts/" }`. */
  imports?: Readonly<Record<string, string>> | undefined;
  /** Values that are put on the global object first: `pool.eval("a + b", { globals: { a, b } })`. */
  globals?: Readonly<Record<string, unknown>> | undefined;
}

/** What `execute()` runs. */
export type Execution =
  | { run: string; args?: readonly unknown[] | undefined }
  | ({ eval: string } & SourceOptions);

/** How a run ended, as data. */
export type RunOutcome<Value = unknown> =
  | { ok: true; value: Value; receipt: Receipt }
  | { ok: false; error: SkepError; receipt: Receipt };

/** What a run executes, encoded when it was submitted. */
export type RunTarget =
  | { readonly type: "function"; readonly name: string; args: Payload }
  | SourceTarget;

/** Source text and what it may import. */
export interface SourceTarget extends Pick<
  RunSourceMessage,
  "kind" | "filename" | "source" | "modules" | "imports"
> {
  readonly type: "source";
  /** The texts as they were given, where something else is evaluated. */
  readonly given?: SourceTarget;
  /** Names and their values, to be put on the global object first. */
  readonly globals?: Payload | undefined;
}

/** The texts that the run brought along, by the names that stack traces have for them. */
export function textsOf({ target }: Run): ReadonlyMap<string, string> {
  if (target.type === "function") return NO_TEXTS;
  const { filename, source, modules } = target.given ?? target;
  return new Map([[filename, source], ...modules]);
}

const NO_TEXTS: ReadonlyMap<string, string> = /*#__PURE__*/ new Map();

/** The function's name, or the file name of an evaluation. */
function nameOf(target: RunTarget): string {
  return target.type === "function" ? target.name : target.filename;
}

/** The session a run belongs to, as the rest of the pool sees it. */
export interface RunSession {
  readonly id: number;
  readonly limits: Limits;
  /** Throws `invalid-argument` for what a run of a session cannot have of its own. */
  checkOptions(options: RunOptions): void;
  /** Why the session takes no runs any more; undefined while it does. */
  obstacle(run: Run): SkepError | undefined;
  /** Takes an accepted run: it is sent when those before it have settled. */
  enqueue(run: Run): void;
  /** A waiting run has been given up. */
  remove(run: Run): void;
  /** Takes a run back whose worker was lost. False when the session was lost with it. */
  takeBack(run: Run): boolean;
  /**
   * A run has settled, with the code of its error or undefined. Its `worker` is still the one it was
   * in, if it was in one.
   */
  onRunSettled(run: Run, code: SkepErrorCode | undefined): void;
  /** Whether what a run did stays, though it ended with this error. */
  keepsAfter(code: SkepErrorCode): boolean;
  /** Whether its sandbox is in this worker. */
  isOn(worker: object): boolean;
  /**
   * Calls `listener` once the session's memory is given up, and with it what the guest awaits.
   * Returns what takes the listener away.
   */
  untilGone(listener: () => void): () => void;
}

/** Where a run is. One that commits has succeeded but for its files. `settled` is final. */
export type RunPhase = "submitted" | "queued" | "in-flight" | "committing" | "settled";

/** What the pool knows about a run. */
export class Run {
  phase: RunPhase = "submitted";
  /** Workers the run was sent to. */
  attempts = 0;
  /** Workers that were lost while this run may have been the reason. */
  strikes = 0;
  /** The worker it was sent to last; 0 when it never was. */
  workerId = 0;
  /** The cancel flag it listens to in its worker. */
  slot = 0;
  /** The worker it is in flight on. */
  worker: { cancel(run: Run): void } | undefined;
  /** The function's number in the registry; 0 for an evaluation. */
  functionId = 0;
  /** What the function's source is named by; empty for an evaluation. */
  sourceHash = "";
  /** The registry revision a worker must have for this run. */
  requiredRevision = 0;
  /** When the parent first knew it to be running in its worker; undefined before. */
  startedAtMs: number | undefined;
  /** Whether it awaits something outside the engine, as far as the parent knows. */
  isParked = false;
  /** Whether it has called into the host, so that running it again would call twice. */
  hasCalledHost = false;
  /** When it was to be ended early, by the caller or by a limit that the parent holds; or undefined. */
  cancelledAtMs: number | undefined;
  /** The limit that ended it early; undefined when the caller did. */
  reached: { code: SkepErrorCode; message: string } | undefined;
  /** Bytes of the host's answers and of what they were asked with. */
  hostBytesIn = 0;
  hostBytesOut = 0;
  priority = 0;
  key: string | undefined;
  /** Where it waits in the queue; undefined when it does not. */
  place: Place | undefined;
  signal: AbortSignal | undefined;
  /** Stops the clock of `limits.totalMs`; undefined when there is none. */
  stopClock: (() => void) | undefined;
  /** Takes its signal's listener off; undefined when there is none. */
  stopWatching: (() => void) | undefined;
  /** The session in whose sandbox it runs; undefined when it gets one of its own. */
  session: RunSession | undefined;
  /** Its OpenTelemetry spans; undefined when nobody wants them. */
  trace: RunTrace | undefined;
  /** What it has changed of the pool's files and others do not see yet. */
  files: RunFiles | undefined;
  /** Called once when the run has settled. */
  onSettled: (() => void) | undefined;
  /** Whether the caller wants an outcome rather than a value or a rejection. */
  wantsOutcome = false;
  resolve!: (result: unknown) => void;
  reject!: (error: SkepError) => void;

  constructor(
    public id: number,
    readonly target: RunTarget,
    public limits: Limits,
    readonly submittedAtMs: number,
  ) {}

  get name(): string {
    return nameOf(this.target);
  }
}
