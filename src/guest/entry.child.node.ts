/**
 * The main thread of a worker's process: a relay between the parent and the thread that runs guests,
 * which has memory in common with it. The other half is `environments/child-process.ts`.
 */
import { messageOf } from "../errors.ts";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type {
  ActivityReport,
  MessageFromRelay,
  MessageToRelay,
  RelayOpening,
} from "../protocol/relay.ts";
import { createSignals, shareSignals, type Signals, sinceEntered } from "../protocol/signals.ts";

/** The thread with the guests, and what leads to it. */
interface Thread {
  worker: Worker;
  control: MessagePort;
  signals: Signals;
}

let thread: Thread | undefined;

process.on("message", (message: unknown) => onMessage(message as MessageToRelay));
// The parent is gone. Nothing here is worth tidying, and a guest may be in the way of it.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// A terminal sends these to every process in it: it is the parent's to decide what becomes of calls.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

function onMessage(message: MessageToRelay): void {
  if (message.type === "open") thread = start(message);
  else if (thread === undefined) throw new Error("The parent has not opened the worker yet.");
  else if (message.type === "control") thread.control.postMessage(message.message);
  else if (message.type === "cancel") thread.signals.cancel(message.slot, message.runId);
  else if (message.type === "answer") thread.signals.answer(message.callId, message.reply);
  else tell({ type: "activity", activity: report(thread.signals) });
}

function start({ name, slots, stackMb, heapMb, ...streams }: RelayOpening): Thread {
  const { port1, port2 } = new MessageChannel();
  const signals = createSignals(slots);
  if (signals === undefined) throw new Error("This process has no SharedArrayBuffer.");
  const worker = new Worker(new URL("./entry.node.js", import.meta.url), {
    name,
    workerData: {
      control: port2,
      signals: shareSignals(signals),
      relayed: streams,
    },
    transferList: [port2],
    resourceLimits: { stackSizeMb: stackMb, maxOldGenerationSizeMb: heapMb },
    execArgv: threadArguments(),
  });
  port1.on("message", (message: unknown) => tell({ type: "control", message }));
  worker.once("message", () => tell({ type: "open" }));

  let failure = "";
  worker.on("error", (error: unknown) => {
    // "exit" follows and knows the exit code.
    failure = messageOf(error);
  });
  worker.on("exit", (exitCode) => {
    const reason = `Its thread exited with code ${exitCode}${failure === "" ? "." : `: ${failure}`}`;
    const activity = report(signals);
    tell({ type: "last-words", exitCode, reason, activity }, () => process.exit(exitCode));
  });
  return { worker, control: port1, signals };
}

/**
 * A thread that is given none of Node's permission flags has every permission. It gets those of the
 * process, but for the one that would let it start threads without any.
 */
function threadArguments(): string[] {
  const isForThread = /^--(no-warnings|permission|experimental-permission|allow-(?!worker).*)$/;
  return process.execArgv.filter((argument) => isForThread.test(argument));
}

function report(signals: Signals): ActivityReport {
  const { runId, enteredAt, polls } = signals.activity();
  return { runId, entry: enteredAt, ageMs: sinceEntered(enteredAt, Date.now()), polls };
}

function tell(message: MessageFromRelay, sent?: () => void): void {
  process.send?.(message, undefined, undefined, sent);
}
