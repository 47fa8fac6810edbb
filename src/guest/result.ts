/** Where a run's value is, once its promise has settled. */
import type { Cell } from "./cell.ts";
import type { Address } from "./engine.ts";
import { ClassId, Tag } from "./marshal/heap-layout.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import type { Run } from "./run.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * A script's completion value. Top-level await yields `{ value }`: the engine's own wrapper, not the
 * guest's.
 */
export function completionValue({ heap, instance }: Sandbox, wrapper: Address): Address {
  // A guest that made Object.prototype a thenable, or put a setter there, has taken its own value
  // away; and what it resolved with instead may be a number, which is nobody's address.
  const isObject = heap.tag(wrapper) === Tag.object;
  const found = isObject ? heap.findData(heap.pointer(wrapper), "value") : 0;
  return found === 0 ? instance.exports.QTS_GetUndefined() : found;
}

/** A module's namespace becomes a plain object, built by the library's guest code. */
export function plainResult(run: Run, cell: Cell, value: Address): Address {
  const { heap, anchors } = cell.sandbox;
  if (run.target.type !== "source" || run.target.kind !== "module") return value;
  if (
    heap.tag(value) !== Tag.object ||
    heap.classId(heap.pointer(value)) !== ClassId.moduleNamespace
  )
    return value;
  cell.sandbox.copyValue(value, anchors.argumentValues);
  const plain = cell.sandbox.call(anchors.helpers.plainNamespace, 1);
  if (plain.threw)
    throw new RefusedValueError(
      "not-marshallable",
      "The module has exports that were never initialised.",
    );
  return plain.value;
}
