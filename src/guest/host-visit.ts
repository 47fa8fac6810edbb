/**
 * What a sandbox may ask of its worker while guest code runs in it: interrupts, modules, console
 * lines, timers, and calls into the host. One per cell.
 */
import { SkepError } from "../errors.ts";
import type { MessageFromWorker } from "../protocol/messages.ts";
import { FILE_CALL, type FileSetup } from "../protocol/file-calls.ts";
import { type Payload, payloadBytes } from "../protocol/payload.ts";
import type { Signals } from "../protocol/signals.ts";
import { encodeAnswer, encodeArguments } from "../protocol/values/inbound.ts";
import type { Cell } from "./cell.ts";
import { reportUncaught, sendConsoleCall } from "./console-lines.ts";
import type { Address } from "./engine.ts";
import type { GuestRequests } from "./fetch/requests.ts";
import { type HostDoor, type HostReply, type HostVisit, readPayload } from "./host-door.ts";
import { META_MODULE } from "../protocol/source-files.ts";
import { fillMeta } from "./import-meta.ts";
import type { Inventory } from "./inventory.ts";
import { VALUE_BYTES } from "./marshal/heap-layout.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import { placeArguments, placeArray } from "./marshal/place-inbound.ts";
import { ABORTED, type Run } from "./run.ts";
import type { Completion, Sandbox, SandboxHooks } from "./sandbox.ts";
import { refuseRequire } from "./template-modules.ts";
import type { Resolution, VirtualModules } from "./virtual-modules.ts";

/** Answers a host call at once: only where guest and host share a thread. */
export type AnswerNow = (runId: number, name: string, args: Payload) => HostReply;

/** What the worker has for its guests. */
export interface HostAccess {
  door: HostDoor;
  signals: Signals | undefined;
  answerNow: AnswerNow | undefined;
  /** Makes what a sandbox's requests go through; absent where guests may fetch nothing. */
  openRequests: (() => GuestRequests) | undefined;
  /** About the files that guests share, where there are any. */
  files: FileSetup | undefined;
  readonly inventory: () => Inventory;
  /** See `WorkerSurroundings`. */
  isRelayed: boolean;
}

/** What a visit needs, besides, of the executor. */
export interface VisitSurroundings extends HostAccess {
  /** The run inside the engine. */
  readonly current: () => Run | undefined;
  readonly send: (message: MessageFromWorker) => void;
  readonly flush: () => void;
  /** Enters the engine again for a cell that waits. */
  readonly resume: (cell: Cell, act: (sandbox: Sandbox) => Completion) => void;
  /** Ends a run that waits, if its verdict is known. Returns whether it is. */
  readonly endIfDecided: (run: Run) => boolean;
}

const TOO_MUCH_INPUT = "The answer of the host is too large.";
/** How long a blocked worker waits before it looks at its limits again. */
const BLOCKED_SLICE_MS = 20;

/** The hooks of a cell's sandbox. */
export function cellHooks(cell: Cell, surroundings: VisitSurroundings): SandboxHooks {
  const visit = new CellVisit(cell, surroundings);
  const { door, inventory } = surroundings;
  return {
    interrupt: () => visit.interrupt(),
    hostCall: (count, args) => door.call(cell.sandbox, count, args, visit),
    moduleSource: (name) => visit.moduleSource(name) ?? inventory().moduleSource(name),
    resolveModule: (base, name) =>
      visit.resolveModule(base, name) ?? inventory().resolveModule(name),
  };
}

/** Continues a guest that waits for promise `id`. */
export function settlePending(
  sandbox: Sandbox,
  id: number,
  { succeeded, payload }: HostReply,
): Completion {
  const { argumentValues, helpers } = sandbox.anchors;
  const placed = placeArray(sandbox, payload.bytes, payload.buffers);
  const call = placeArguments(sandbox, encodeArguments([id, succeeded]));
  sandbox.copyValue(placed, argumentValues + 2 * VALUE_BYTES);
  return sandbox.call(helpers.settleHost, 3, call.pointers);
}

/** Encodes what host code of this worker answers a run; nobody else counts it. */
function encodeAnswerFor(
  run: Run | undefined,
  values: readonly unknown[],
  root: "result" | "error",
): Uint8Array {
  const maximumBytes = run?.inputLeft ?? Number.POSITIVE_INFINITY;
  let bytes: Uint8Array;
  try {
    bytes = encodeAnswer(values, root, { beside: false, maximumBytes }).bytes;
  } catch (error) {
    if (!(error instanceof SkepError && error.code === "input-exceeded")) throw error;
    run?.refuseInput(`${run.bytesIn} bytes, and then more than the ${maximumBytes} that were left`);
    throw new RangeError(TOO_MUCH_INPUT);
  }
  if (run) {
    run.ownBytesIn += bytes.length;
    if (!run.countInput(bytes.length)) throw new RangeError(TOO_MUCH_INPUT);
  }
  return bytes;
}

class CellVisit implements HostVisit {
  readonly #cell: Cell;
  readonly #surroundings: VisitSurroundings;

  constructor(cell: Cell, surroundings: VisitSurroundings) {
    this.#cell = cell;
    this.#surroundings = surroundings;
  }

  get handles(): Map<number, object> {
    return this.#cell.handles;
  }

  moduleSource(name: string): string | undefined {
    for (const modules of this.#modules()) {
      const source = modules.source(name);
      if (source !== undefined) return source;
    }
    return undefined;
  }

  /** What an import by one of the runs' own modules means. */
  resolveModule(base: string, name: string): Resolution | undefined {
    const modules = this.#modulesOf(base);
    const found = modules?.resolve(base, name);
    if (modules === undefined || name !== META_MODULE) return found;
    fillMeta(this.#cell.sandbox, base, modules.placeOf(base));
    return found;
  }

  *#modules(): Generator<VirtualModules> {
    const { runs, session } = this.#cell;
    for (const { modules } of runs) if (modules) yield modules;
    if (session) yield* session.modules;
  }

  #modulesOf(base: string): VirtualModules | undefined {
    for (const modules of this.#modules()) if (modules.owns(base)) return modules;
    // Code made from text at run time belongs to the run that made it.
    return base === "<input>" ? this.#surroundings.current()?.modules : undefined;
  }

  startedAt(): number {
    const { session, sharedSince } = this.#cell;
    // Timers outlive the runs that set them, so all of them need the same clock.
    return (
      session?.startedAt ??
      sharedSince ??
      this.#surroundings.current()?.startedAt ??
      performance.now()
    );
  }

  /** One look at the run's limits. */
  interrupt(): boolean {
    const run = this.#surroundings.current();
    if (!run) return false;
    run.gas++;
    return this.#isOver(run);
  }

  isOver(): boolean {
    const run = this.#surroundings.current();
    return run !== undefined && this.#isOver(run);
  }

  #isOver(run: Run): boolean {
    if (this.#surroundings.signals?.poll(run.slot, run.id)) {
      run.verdict ??= ABORTED;
    }
    return run.isOver(performance.now());
  }

  armTimer(delayMs: number): void {
    const cell = this.#cell;
    clearTimeout(cell.timer);
    cell.timer = undefined;
    if (delayMs < 0) return;
    const { epoch } = cell;
    cell.timer = setTimeout(() => {
      cell.timer = undefined;
      if (cell.epoch !== epoch) return;
      if (cell.runs.size === 0 && cell.session === undefined) cell.isOverdue = true;
      this.#surroundings.resume(cell, (sandbox) =>
        sandbox.call(sandbox.anchors.helpers.runTimer, 0),
      );
    }, delayMs);
  }

  required(alias: string): Address {
    return refuseRequire(this.#cell.sandbox, alias);
  }

  hostCalled(isActingHere: boolean): void {
    this.#countHostCall(isActingHere, true);
  }

  fileCalled(): void {
    const { files } = this.#surroundings;
    if (files === undefined) throw new TypeError("The pool has no files.");
    this.#countHostCall(false, !files.isUndoable);
  }

  /** What cannot be undone is marked: should its worker be lost, the run must not be run again. */
  #countHostCall(isActingHere: boolean, leavesMarks: boolean): void {
    const { signals, isRelayed, send, flush, current } = this.#surroundings;
    const run = current();
    if (!run) return;
    if (!run.countHostCall()) throw new Error("The run may not call the host any more.");
    if (!leavesMarks || run.hasCalledHost) return;
    // A call that the parent answers is itself the message.
    if (isRelayed && !isActingHere) return;
    run.hasCalledHost = true;
    signals?.markHostCall(run.slot, run.id);
    if (signals && !isRelayed) return;
    send({ type: "host-called", runId: run.id });
    flush();
  }

  readArguments(args: Address, answeredBy: "parent" | "worker"): Payload {
    const run = this.#surroundings.current();
    let payload: Payload;
    try {
      const maximumBytes = run?.outputLeft ?? Number.POSITIVE_INFINITY;
      payload = readPayload(this.#cell.sandbox, args, maximumBytes);
    } catch (error) {
      if (run && error instanceof RefusedValueError && error.code === "output-exceeded") {
        run.verdict ??= { code: "output-exceeded", message: error.message };
      }
      throw error;
    }
    const bytes = payloadBytes(payload);
    if (run) run.bytesOut += bytes;
    if (run && answeredBy === "worker") run.ownBytesOut += bytes;
    return payload;
  }

  encodeAnswer(values: readonly unknown[], root: "result" | "error"): Uint8Array {
    return encodeAnswerFor(this.#surroundings.current(), values, root);
  }

  pending(id: number, promise: PromiseLike<unknown>): void {
    const cell = this.#cell;
    const { epoch } = cell;
    const { door, resume, endIfDecided, current } = this.#surroundings;
    const run = current();
    const asked = {
      handles: this.handles,
      pending: (number: number, other: PromiseLike<unknown>) => this.pending(number, other),
      encodeAnswer: (values: readonly unknown[], root: "result" | "error") =>
        encodeAnswerFor(run, values, root),
    };
    cell.pendingHostCalls++;
    const answer = (outcome: { value: unknown } | { error: unknown }): void => {
      // A late reply finds nobody: the sandbox is somebody else's by now.
      if (cell.epoch !== epoch) return;
      cell.pendingHostCalls--;
      const reply = door.encodeOutcome(asked, outcome);
      if (run && endIfDecided(run)) return;
      resume(cell, (sandbox) => settlePending(sandbox, id, reply));
    };
    promise.then(
      (value) => answer({ value }),
      (error: unknown) => answer({ error }),
    );
  }

  callHost(name: string, args: Payload): number {
    const { door, send, current } = this.#surroundings;
    const callId = door.nextPendingId();
    const runId = current()?.id ?? 0;
    this.#cell.hostCalls.add(callId);
    this.#cell.pendingHostCalls++;
    send({ type: "host-call", runId, callId, isSync: false, name, args });
    return callId;
  }

  callHostSync(name: string, args: Payload): HostReply | string {
    const { door, signals, answerNow, send, flush, current } = this.#surroundings;
    const run = current();
    if (!run) return "There is no run that could call the host.";
    if (answerNow) {
      const before = performance.now();
      const reply = answerNow(run.id, name, args);
      run.enteredAt += performance.now() - before;
      return run.countInput(payloadBytes(reply.payload)) ? reply : TOO_MUCH_INPUT;
    }
    const mailbox = signals?.mailbox;
    if (!mailbox && name.startsWith(FILE_CALL)) {
      return (
        "std and os need SharedArrayBuffer, which this page has only when it is cross-origin " +
        'isolated: use fs, e.g. await fs.readFile(path, "utf8").'
      );
    }
    if (!mailbox) {
      return (
        `hostSync.${name} needs SharedArrayBuffer, which this page has only when it is cross-origin ` +
        `isolated: use await host.${name}().`
      );
    }
    const callId = door.nextPendingId();
    let since = performance.now();
    mailbox.open();
    send({ type: "host-call", runId: run.id, callId, isSync: true, name, args });
    flush();
    while (!this.#isOver(run)) {
      const left = Math.max(0, Math.min(BLOCKED_SLICE_MS, run.deadline - performance.now()));
      const reply = mailbox.wait(callId, left);
      // Waiting is not the guest's execution.
      const now = performance.now();
      run.enteredAt += now - since;
      since = now;
      if (reply) return run.countInput(payloadBytes(reply.payload)) ? reply : TOO_MUCH_INPUT;
    }
    if (run.verdict?.code === "timeout" && !name.startsWith(FILE_CALL)) {
      run.verdict.message += ` It was waiting for hostSync.${name}.`;
    }
    // The verdict ends the run at the engine's next look, whatever it catches, and until then the
    // door is shut.
    return "The run was ended while it waited for the host.";
  }

  request(action: string, args: readonly unknown[]): Promise<unknown> | undefined {
    const { openRequests } = this.#surroundings;
    if (!openRequests) throw new TypeError("The pool has no policy for fetch.");
    this.#cell.requests ??= openRequests();
    return this.#cell.requests.perform(action, args);
  }

  console(level: Address, values: Address): void {
    const { send, current } = this.#surroundings;
    const run = current();
    const { heap } = this.#cell.sandbox;
    if (run) sendConsoleCall(run, heap, { level: heap.text(level, 8), values }, send);
  }

  uncaught(thrown: Address): void {
    const { send, current } = this.#surroundings;
    const run = current();
    if (run) reportUncaught(run, this.#cell.sandbox, thrown, send);
  }
}
