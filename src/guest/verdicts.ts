/**
 * Which limit ended a run, when the engine or the host's own code gave up. The host's evidence
 * decides (a refused growth, a touched stack watch), not an error's text alone.
 */
import { messageOf } from "../errors.ts";
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import type { Address } from "./engine.ts";
import { ClassId, Tag } from "./marshal/heap-layout.ts";
import { errorText } from "./marshal/heap-reader.ts";
import { GuestDecodeError } from "./marshal/place-inbound.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import type { Verdict } from "./run.ts";
import { SandboxMemoryError, SandboxTrapError } from "./sandbox.ts";

/** Whether what guest code threw means a limit. */
export function verdictOnThrown(cells: Cells, cell: Cell, thrown: Address): Verdict | undefined {
  const { heap, instance } = cell.sandbox;
  // Where no memory is left for an error object either, the engine throws null.
  if (heap.tag(thrown) === Tag.null && instance.growthRefused) return memoryVerdict(cell);
  if (heap.tag(thrown) !== Tag.object || heap.classId(heap.pointer(thrown)) !== ClassId.error)
    return undefined;
  const error = heap.pointer(thrown);
  const message = errorText(heap, error, "message", "");
  if (instance.growthRefused) {
    if (message === "out of memory") return memoryVerdict(cell);
    // There was memory for the error, but none for its message.
    if (message === "" && errorText(heap, error, "name", "") === "InternalError")
      return memoryVerdict(cell);
  }
  if (message === "stack overflow" && cells.stackWasExhausted(cell)) return STACK_VERDICT;
  return undefined;
}

/**
 * What an error of the host's own code in a sandbox means for the run in it. `engineFailure` is the
 * reason when it was the engine that failed: the sandbox is poisoned then.
 */
export function verdictOnError(
  cells: Cells,
  cell: Cell,
  error: unknown,
): { verdict: Verdict; engineFailure?: string } {
  if (error instanceof RefusedValueError) {
    return { verdict: { code: error.code, message: error.message } };
  }
  if (error instanceof SandboxMemoryError) return { verdict: memoryVerdict(cell, error.message) };
  if (error instanceof GuestDecodeError) {
    const limit = verdictOnThrown(cells, cell, error.thrown);
    return { verdict: limit ?? { code: "not-marshallable", message: error.message } };
  }
  cell.sandbox.poisoned = true;
  const cause = error instanceof SandboxTrapError ? error.cause : error;
  const engineFailure = messageOf(cause);
  return { verdict: poisonedVerdict(cell, cause, engineFailure), engineFailure };
}

function poisonedVerdict(cell: Cell, cause: unknown, reason: string): Verdict {
  if (cell.sandbox.instance.growthRefused) return memoryVerdict(cell);
  // Every platform words its native overflow differently, but all of them end up here.
  if (cause instanceof RangeError || /recursion|call stack/i.test(reason)) return STACK_VERDICT;
  return {
    code: "worker-lost",
    message: `The engine failed under this run: ${reason}`,
    isTrap: true,
  };
}

function memoryVerdict(cell: Cell, detail = ""): Verdict {
  const [run] = cell.runs;
  const limit = run ? ` of ${run.limits.memoryBytes} bytes` : "";
  return {
    code: "memory-exceeded",
    message: `The run exceeded its memory limit${limit}. ${detail}`.trim(),
  };
}

const STACK_VERDICT: Verdict = {
  code: "stack-exceeded",
  message: "The run exceeded the sandbox's stack and did not catch the error.",
};
