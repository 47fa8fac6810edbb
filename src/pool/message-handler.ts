/** What workers say of runs: their ends, their calls of the host, their console. */
import type { HostAnswer } from "../environments/contract.ts";
import type {
  ConsoleMessage,
  FailedMessage,
  HostCallMessage,
  MessageFromWorker,
  RunCost,
  SettledMessage,
} from "../protocol/messages.ts";
import { type Payload, payloadBytes, startBytes } from "../protocol/payload.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import { UnrepresentableError } from "../protocol/values/unrepresentable.ts";
import type { SkepError } from "../errors.ts";
import { consoleNotice, readConsoleCall } from "./console-text.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { EventEmitter } from "./events.ts";
import type { RunFiles } from "./files/shared-files.ts";
import type { HostCalls } from "./host-calls.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Run } from "./run.ts";
import type { Settlement } from "./settlement.ts";
import { checkTotalTime } from "./total-time.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface MessageHandlerOptions {
  dispatcher: Dispatcher;
  settlement: Settlement;
  quarantine: Quarantine;
  /** Undefined where guests can call nothing of the host. */
  readonly hostCalls: () => HostCalls | undefined;
  events: EventEmitter;
}

export class MessageHandler {
  readonly #options: MessageHandlerOptions;

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
  }

  /** Takes what a worker says. Throws when it makes no sense. */
  onMessage(link: WorkerLink, message: MessageFromWorker): void {
    if (message.type === "console") {
      this.#reportConsole(link, message);
      return;
    }
    if (message.type === "warning") {
      const { name, message: text, runId } = message;
      const about = { workerId: link.workerId, runId: runId === 0 ? undefined : runId };
      this.#options.events.emit("warning", { name, message: text, ...about });
      return;
    }
    const run = link.inFlight.get(message.runId);
    // A run the parent no longer knows has settled before: late words about it are void.
    if (run === undefined) return;
    const { clock } = this.#options.settlement;
    if (message.type === "settled") this.#succeed(link, run, message);
    else if (message.type === "failed") this.#fail(link, run, message);
    else if (message.type === "parked") link.park(run, clock.now());
    else if (message.type === "host-call") this.#answer(link, run, message);
    else if (message.type === "host-called") run.hasCalledHost = true;
    else link.enter(run, clock.now());
  }

  #succeed(link: WorkerLink, run: Run, { cost, value: payload }: SettledMessage): void {
    const { dispatcher, settlement, quarantine } = this.#options;
    // Before anything else: malformed bytes must find the run still in flight.
    const found = decodeOrRefuse(() => decodeValue(payload.bytes, payload.buffers), "result");
    const bytesOut = payloadBytes(payload);
    dispatcher.inFlight.finish(run, link, cost);
    quarantine.clear(run);
    if ("refusal" in found) {
      const error = settlement.failure(run, { ...found.refusal, runId: run.id, cost });
      settlement.failInWorker(run, error, cost);
    } else if (run.files === undefined || run.cancelledAtMs !== undefined) {
      settlement.succeed(run, found.value, cost, bytesOut);
    } else this.#commit(run, run.files, found.value, cost, bytesOut);
  }

  /** A run's files are everybody's before its caller hears of its end. */
  #commit(run: Run, files: RunFiles, value: unknown, cost: RunCost, bytesOut: number): void {
    const { settlement } = this.#options;
    run.phase = "committing";
    const settle = (error?: SkepError): void => {
      if (error === undefined) settlement.succeed(run, value, cost, bytesOut);
      else settlement.failInWorker(run, error, cost);
    };
    try {
      const committed = files.commit();
      if (committed instanceof Promise) committed.then(() => settle(), settle);
      else settle();
    } catch (error) {
      settle(error as SkepError);
    }
  }

  #fail(link: WorkerLink, run: Run, message: FailedMessage): void {
    const { dispatcher, settlement, quarantine } = this.#options;
    const { cost } = message;
    if (message.code === "timeout") checkTotalTime(run, settlement.clock.now());
    const found = decodeOrRefuse(() => settlement.failure(run, message), "error");
    const error =
      "refusal" in found ? settlement.failure(run, { ...message, ...found.refusal }) : found.value;
    dispatcher.inFlight.finish(run, link, cost);
    settlement.failInWorker(run, error, cost);
    if (message.isTrap && quarantine.blame(run, "trap", message.message)) dispatcher.review();
  }

  #answer(link: WorkerLink, run: Run, { callId, isSync, name, args }: HostCallMessage): void {
    const hostCalls = this.#countHostCall(run, name, args);
    if (isSync) link.blockedBy = run;
    void hostCalls.answer(run, { name, args, isSync }).then((reply) => {
      const isWaiting = link.inFlight.get(run.id) === run;
      // A session outlives the run that asked.
      if (!isWaiting && run.session?.isOn(link) !== true) return;
      if (isWaiting && !this.#admitsAnswer(run, reply)) return;
      link.answer(run.id, callId, isSync, reply);
      if (isSync) this.#options.dispatcher.pump();
    });
  }

  /** Answers a synchronous host call of a worker in this thread. */
  answerNow(link: WorkerLink, runId: number, name: string, args: Payload): HostAnswer {
    const run = link.inFlight.get(runId);
    if (run === undefined) throw new Error(`There is no run ${runId}.`);
    const hostCalls = this.#countHostCall(run, name, args);
    const reply = hostCalls.answerNow(run, { name, args });
    return this.#admitsAnswer(run, reply) ? reply : hostCalls.tooLarge();
  }

  /** Throws for a worker that asks for what no guest has a name for. */
  #countHostCall(run: Run, name: string, args: Payload): HostCalls {
    const hostCalls = this.#options.hostCalls();
    if (hostCalls === undefined) {
      throw new Error(`The worker calls ${name}, and the host has no functions.`);
    }
    run.hasCalledHost ||= !hostCalls.isUndoable(name);
    run.hostBytesOut += payloadBytes(args);
    return hostCalls;
  }

  /** Counts what the host answers a run; ends the run where that is too much. */
  #admitsAnswer(run: Run, { payload, isTooLarge }: HostAnswer): boolean {
    const { bytesIn } = run.limits;
    run.hostBytesIn += payloadBytes(payload);
    if (bytesIn === 0) return true;
    const given = run.hostBytesIn + startBytes(run.target);
    if (isTooLarge !== true && given <= bytesIn) return true;
    const what = isTooLarge === true ? "more bytes in an answer" : `${given} bytes`;
    const message = `was given ${what}, and limits.bytesIn allows ${bytesIn}.`;
    this.#options.dispatcher.reach(run, { code: "input-exceeded", message });
    return false;
  }

  #reportConsole(link: WorkerLink, { runId, level, values: bytes }: ConsoleMessage): void {
    const { events } = this.#options;
    if (!events.has("console")) return;
    const found = decodeOrRefuse(() => readConsoleCall(bytes), "console");
    const { values, text } =
      "refusal" in found ? consoleNotice(found.refusal.message) : found.value;
    events.emit("console", { runId, workerId: link.workerId, level, values, text });
  }
}

/** What a worker's bytes hold, or how a run is refused whose value this platform cannot build. */
function decodeOrRefuse<Value>(
  decode: () => Value,
  root: string,
):
  | { value: Value }
  | { refusal: Pick<FailedMessage, "type" | "code" | "message" | "isTrap" | "thrown"> } {
  try {
    return { value: decode() };
  } catch (error) {
    if (!(error instanceof UnrepresentableError)) throw error;
    const message = `The ${root} cannot leave the sandbox: ${error.message}`;
    return {
      refusal: {
        type: "failed",
        code: "not-marshallable",
        message,
        isTrap: false,
        thrown: new Uint8Array(0),
      },
    };
  }
}
