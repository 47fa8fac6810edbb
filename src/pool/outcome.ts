/** From what a worker reports to what a caller gets: receipts, values and errors. */
import { GuestError, SkepError } from "../errors.ts";
import type { FailedMessage, RunCost } from "../protocol/messages.ts";
import { startBytes } from "../protocol/payload.ts";
import { decodeThrown } from "../protocol/values/outbound.ts";
import { nearestName } from "../registry/names.ts";
import type { Admission } from "../registry/registry.ts";
import type { Receipt } from "../receipt.ts";
import type { Explain } from "./place.ts";
import type { QueueBounds } from "./queue.ts";
import { type Run, textsOf } from "./run.ts";

const NO_COST: RunCost = {
  wallMs: 0,
  cpuMs: 0,
  gas: 0,
  peakMemoryBytes: 0,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** The receipt of a run that settles now. Without a cost the worker never reported one. */
export function receiptOf(
  run: Run,
  settledAtMs: number,
  cost: RunCost | undefined,
  bytesOut: number,
): Receipt {
  const known = cost ?? NO_COST;
  const wallMs = cost?.wallMs ?? lostWallMs(run, settledAtMs);
  return {
    queuedMs: Math.max(0, settledAtMs - run.submittedAtMs - wallMs),
    wallMs,
    // Each by name: spreading an object of doubles costs more than all the rest of a receipt.
    cpuMs: known.cpuMs,
    gas: known.gas,
    peakMemoryBytes: known.peakMemoryBytes,
    hostCalls: known.hostCalls,
    bytesIn: bytesInOf(run, known),
    bytesOut: bytesOutOf(run, known, bytesOut),
    workerId: run.workerId,
    attempts: run.attempts,
  };
}

/** All that went into a run: what it started with, what the host answered, what its worker gave it. */
export function bytesInOf(run: Run, cost: RunCost): number {
  return startBytes(run.target) + run.hostBytesIn + cost.bytesIn;
}

/** All that came out of a run; `endBytes` of its result, or of what it threw. */
export function bytesOutOf(run: Run, cost: RunCost, endBytes: number): number {
  return endBytes + run.hostBytesOut + cost.bytesOut;
}

/** How long a run was running whose worker can no longer tell. */
function lostWallMs(run: Run, settledAtMs: number): number {
  return run.startedAtMs === undefined ? 0 : settledAtMs - run.startedAtMs;
}

/** The error of a run that failed in its worker. Throws when the thrown value's bytes are malformed. */
export function failureOf(
  run: Run,
  message: FailedMessage,
  receipt: Receipt,
  explain: Explain = () => ({}),
): SkepError {
  if (message.code !== "guest-error") {
    return new SkepError(message.code, message.message, { receipt });
  }
  const fields = decodeThrown(message.thrown);
  const hint = closureHint(run, fields.name, fields.message);
  const place = explain(fields, textsOf(run));
  return new GuestError(hint === undefined ? fields : { ...fields, message: hint }, receipt, place);
}

/** The message with advice, when a function reached for a variable around its definition. */
function closureHint(run: Run, name: string, message: string): string | undefined {
  if (name !== "ReferenceError" || run.target.type !== "function") return undefined;
  // The engine's own words, without a full stop; what is not on the allowlist is told as it is.
  const variable = /^'?([^' ]+)'? is not defined$/.exec(message)?.[1];
  if (variable === undefined) return undefined;
  return (
    `${message}. The function "${run.name}" runs in a sandbox and cannot see variables around its ` +
    `definition: pass "${variable}" as an argument, or define it as a constant or a dependency.`
  );
}

/** The error of a call to a function that is not defined. */
export function unknownFunction(
  name: string,
  known: readonly string[],
  receipt: Receipt,
): SkepError {
  const suggestion = nearestName(name, known);
  const advice =
    suggestion === undefined
      ? "Define it first with define({ functions })."
      : `Did you mean "${suggestion}"?`;
  const message = `Function "${name}" is not defined. ${advice}`;
  return new SkepError("unknown-function", message, { receipt });
}

/** The error of a call to a function that names something undefined. */
export function missingRequirement(
  name: string,
  { kind, name: missing }: NonNullable<Admission["missing"]>,
  receipt: Receipt,
): SkepError {
  const call = kind === "dependency" ? "wpc_import" : "wpc_constant";
  return new SkepError(
    `missing-${kind}`,
    `Function "${name}" needs the ${kind} "${missing}", which is not defined. ` +
      `Define it first, or remove ${call}("${missing}").`,
    { receipt },
  );
}

/** The error of a run for which there is no room in the queue, or none for its key. */
export function queueFull(
  { key }: Run,
  { max, maxPerKey }: QueueBounds,
  isForKey: boolean,
  receipt: Receipt,
): SkepError {
  const whose = key === undefined ? "runs without a key" : `the key "${key.slice(0, 100)}"`;
  const [what, bound, option] = isForKey
    ? [`The queue is full for ${whose}`, maxPerKey, "queue.maxPerKey"]
    : ["The queue is full", max, "queue.max"];
  const waiting = `${bound} ${bound === 1 ? "run is" : "runs are"} waiting`;
  const message = `${what}: ${waiting}. Submit fewer at once, or raise ${option}.`;
  return new SkepError("queue-full", message, { receipt });
}

/** The error of a run that was ended early: by the caller, or by a limit that the parent holds. */
export function abortedError(run: Run, receipt: Receipt): SkepError {
  if (run.reached) {
    const { code, message } = run.reached;
    return new SkepError(code, `${describeRun(run)} ${message}`, { receipt });
  }
  return new SkepError("aborted", `${describeRun(run)} was aborted by its signal.`, {
    receipt,
    cause: run.signal?.reason as unknown,
  });
}

/** The error of an evaluation whose text is larger than allowed. */
export function tooMuchSource(run: Run, receipt: Receipt): SkepError {
  const { bytesIn } = run.limits;
  const message =
    `${describeRun(run)} has ${startBytes(run.target)} characters of source, and limits.bytesIn allows ` +
    `${bytesIn}.`;
  return new SkepError("input-exceeded", message, { receipt });
}

/** The error of a run whose worker had to be terminated. */
export function hungError(run: Run, receipt: Receipt): SkepError {
  const { timeoutMs, cpuMs, graceMs } = run.limits;
  if (cpuMs > 0 && (timeoutMs === 0 || cpuMs < timeoutMs)) {
    return new SkepError(
      "cpu-exceeded",
      `${describeRun(run)} executed for more than ${cpuMs} ms and did not react to being ` +
        `interrupted for another ${graceMs} ms, so its worker was terminated.`,
      { receipt },
    );
  }
  return new SkepError(
    "timeout",
    `${describeRun(run)} did not end within ${timeoutMs} ms and did not react to being ` +
      `interrupted for another ${graceMs} ms, so its worker was terminated.`,
    { receipt },
  );
}

/** The error of a run that was in too many workers when they were lost. */
export function lostError(run: Run, reason: string, receipt: Receipt): SkepError {
  if (run.hasCalledHost) {
    const called = `A worker was lost while ${lowerFirst(describeRun(run))} ran, which had called into the host already`;
    return new SkepError("worker-lost", `${called}, so it is not tried again: ${reason}`, {
      receipt,
    });
  }
  const times = run.strikes > 1 ? `${run.strikes} workers were lost` : "A worker was lost";
  const who = describeRun(run);
  const message = `${times} while ${lowerFirst(who)} ran, so it is not tried again: ${reason}`;
  return new SkepError("worker-lost", message, { receipt });
}

/** The start of a sentence about a run. */
export function describeRun(run: Run): string {
  return run.target.type === "function" ? `Function "${run.name}"` : `The evaluation "${run.name}"`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
