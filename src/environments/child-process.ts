/** Workers as processes of Node. The other half is `guest/entry.child.node.ts`. */
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { SkepError } from "../errors.ts";
import { batchSender, receiveBatches } from "../protocol/batch-stream.node.ts";
import { type MessageFromRelay, type MessageToRelay, readFromRelay } from "../protocol/relay.ts";
import {
  type ChildProcessOptions,
  type ProcessRights,
  processArguments,
  resolveRights,
} from "./process-rights.node.ts";
import type { Environment, WorkerEnd, WorkerHandle, WorkerSpec } from "./contract.ts";
import { controlOverMessages } from "./control-messages.ts";
import { ReportedSignals } from "./reported-signals.ts";
import { opening } from "./worker-handle.ts";

/** As in `worker-threads.ts`: the guests' thread is of the same kind. */
const STACK_MB = 32;
/** Where the process has the streams of batches: after the standard ones and the channel. */
const STREAMS = { fromParentFd: 4, toParentFd: 5 };
/** How much of what a process prints before its end goes into the reason. */
const LAST_PRINT_BYTES = 2048;

/**
 * Workers in processes of their own: what brings a process down, a crash of the engine or of a host
 * module's native code, memory that runs out, a kill, takes its worker and nothing else. Pass it as
 * `environment`, or pass `"child-process"` for the defaults.
 *
 * The processes have an empty environment, inherit no handles, have a bounded heap, and run under
 * Node's permission model with the rights that `options` name. Throws a `SkepError`
 * (`invalid-argument`) when the options are wrong.
 */
export function childProcess(options: ChildProcessOptions = {}): Environment {
  const rights = resolveRights(options);
  return {
    name: "child-process",
    threaded: true,
    loadsEngine: true,
    // See `worker-threads.ts`.
    stackBytes: { sync: 512 * 1024, asyncify: 64 * 1024 },
    open: (spec) => openProcess(spec, rights),
  };
}

async function openProcess(spec: WorkerSpec, rights: ProcessRights): Promise<WorkerHandle> {
  const name = `skep worker ${spec.workerId}`;
  const child = await start(name, processArguments(rights, spec));
  // Batches do not pass through the relay: it would cost a call more than the rest of the way.
  const toChild = child.stdio[STREAMS.fromParentFd] as Socket;
  const fromChild = child.stdio[STREAMS.toParentFd] as unknown as Socket;
  const lastPrint = keepLastPrint(child);
  const hasExited = new Promise<void>((resolve) => child.on("exit", () => resolve()));

  function send(message: MessageToRelay): void {
    // Nobody is told: the end of a process has an event of its own.
    if (child.connected) child.send(message, undefined, undefined, () => {});
  }

  const signals = new ReportedSignals(
    {
      cancel: (slot, runId) => send({ type: "cancel", slot, runId }),
      answer: (callId, reply) => send({ type: "answer", callId, reply }),
      look: () => send({ type: "look" }),
      onSilent: (silentMs) => finish({ reason: `Its process did not answer for ${silentMs} ms.` }),
    },
    { keepsLastWords: true },
  );
  const { control, deliver } = controlOverMessages((message) => send({ type: "control", message }));
  const { handle, opened, open, end } = opening(
    {
      control,
      signals,
      post: batchSender(toChild),
      keepAlive(alive) {
        for (const held of [child, child.channel, toChild, fromChild]) {
          if (alive) held?.ref();
          else held?.unref();
        }
      },
      stop() {
        signals.stop();
        // Whoever waits for the end must not find the host's process gone before.
        child.ref();
        child.kill("SIGKILL");
        return hasExited;
      },
    },
    startFailure,
  );

  let lastWords: Extract<MessageFromRelay, { type: "last-words" }> | undefined;

  function finish(reason: WorkerEnd): void {
    signals.end(lastWords?.activity);
    end(reason);
    // One that cannot be talked to may still run.
    void handle.terminate();
  }

  function onMessage(message: MessageFromRelay): void {
    if (message.type === "activity") signals.report(message.activity);
    else if (message.type === "control") deliver(message.message);
    else if (message.type === "last-words") lastWords = message;
    else open();
  }

  receiveBatches(fromChild, {
    onBatch: (batch) => handle.onBatch(batch),
    onBroken: (cause) => finish({ reason: "Its process sent what is no batch.", cause }),
  });
  child.on("message", (value: unknown) => {
    const message = readFromRelay(value);
    if (message !== undefined) onMessage(message);
    else finish({ reason: "Its process sent something that is no message." });
  });
  child.on("error", (cause) => finish({ reason: cause.message, cause }));
  // After "exit", and when everything was read that the process had sent.
  child.on("close", (code, signal) => {
    const exitCode = lastWords?.exitCode ?? code ?? undefined;
    finish({ exitCode, reason: lastWords?.reason ?? endReason(code, signal, lastPrint()) });
  });
  const { heapMb } = rights;
  send({ type: "open", name, slots: spec.slots, stackMb: STACK_MB, heapMb, ...STREAMS });
  return opened;
}

async function start(name: string, execArgv: string[]): Promise<ChildProcess> {
  const { fork } = await import("node:child_process");
  const child = fork(new URL("../guest/entry.child.node.js", import.meta.url), [name], {
    env: {},
    execArgv,
    serialization: "advanced",
    // What a host module prints must not get among what the host itself does.
    stdio: ["ignore", "ignore", "pipe", "ipc", "pipe", "pipe"],
  });
  if (child.pid !== undefined) return child;
  // The system has no room for another one, for instance.
  const cause = await new Promise<Error>((resolve) => child.once("error", resolve));
  throw startFailure({ reason: cause.message, cause });
}

function startFailure({ reason, cause }: WorkerEnd): SkepError {
  const message = `The process could not start: ${reason}`;
  return new SkepError("unsupported-environment", message, { cause });
}

/** Reads what a process prints, so that it never waits for that, and keeps the end of it. */
function keepLastPrint({ stderr }: ChildProcess): () => string {
  let kept = Buffer.alloc(0);
  stderr?.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-LAST_PRINT_BYTES);
  });
  // A pipe that is read would hold this process open. Its type does not say that it is a socket.
  (stderr as { unref?(): void } | null)?.unref?.();
  return () => kept.toString().trim();
}

function endReason(exitCode: number | null, signal: string | null, lastPrint: string): string {
  const how = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`;
  return `Its process ${how}${lastPrint === "" ? "." : `, and printed last: ${lastPrint}`}`;
}
