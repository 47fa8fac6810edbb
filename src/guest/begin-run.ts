/** The first step of a run: its function is called, or its text evaluated. */
import { shadowedDependency } from "../protocol/module-paths.ts";
import type { Cell } from "./cell.ts";
import type { Inventory } from "./inventory.ts";
import { VALUE_BYTES } from "./marshal/heap-layout.ts";
import { placeArguments } from "./marshal/place-inbound.ts";
import { redeclaring } from "./redeclare.ts";
import type { Run, RunTarget } from "./run.ts";
import { ARGUMENT_SLOTS, type Completion, EvalFlag, type Sandbox } from "./sandbox.ts";
import { VirtualModules } from "./virtual-modules.ts";

/** Undefined, with a verdict, when there is nothing to begin. */
export function beginRun(
  run: Run,
  cell: Cell,
  isKept: boolean,
  inventory: () => Inventory,
): Completion | undefined {
  const { target } = run;
  const { sandbox } = cell;
  if (target.type === "source") return evaluate(run, target, cell, isKept, inventory);
  const callee = sandbox.anchors.functions.get(target.functionId);
  if (!callee) {
    run.verdict = {
      code: "unknown-function",
      message: cell.session
        ? "The function was not defined when the session began."
        : "The function was undefined before the run could start.",
    };
    return undefined;
  }
  const placed = placeArguments(sandbox, target.args);
  let { count } = placed;
  if (callee.contextIndex !== undefined && count <= callee.contextIndex) {
    count = bindContext(sandbox, count, callee.contextIndex);
  }
  const completion = sandbox.call(callee.value, count, placed.pointers);
  if (isKept) sandbox.free(placed.owner);
  return completion;
}

function evaluate(
  run: Run,
  target: Extract<RunTarget, { type: "source" }>,
  cell: Cell,
  isKept: boolean,
  inventory: () => Inventory,
): Completion | undefined {
  const { sandbox } = cell;
  if (target.globals !== undefined) {
    const { count, pointers, owner } = placeArguments(sandbox, target.globals);
    const set = sandbox.call(sandbox.anchors.helpers.setGlobals, count, pointers);
    if (isKept) sandbox.free(owner);
    if (set.threw) return set;
  }
  const isModule = target.kind === "module";
  if (!isModule && target.modules.length + target.imports.length === 0) {
    const start = (): Completion =>
      sandbox.evaluate(target.source, target.filename, EvalFlag.async);
    return cell.session ? redeclaring(sandbox, start) : start();
  }
  const modules = new VirtualModules({
    target,
    runId: isKept ? run.id : undefined,
    isDependency: (name) => inventory().hasDependency(name),
  });
  const { conflict } = modules;
  if (conflict !== undefined) {
    run.verdict = { code: "invalid-argument", message: shadowedDependency(conflict) };
    return undefined;
  }
  run.modules = modules;
  const flags = isModule ? EvalFlag.module : EvalFlag.async;
  const start = (): Completion => sandbox.evaluate(modules.entrySource, modules.entryName, flags);
  return cell.session && !isModule ? redeclaring(sandbox, start) : start();
}

/** Puts the context value at its parameter, with undefined for those left out before it. */
function bindContext(sandbox: Sandbox, count: number, index: number): number {
  if (index >= ARGUMENT_SLOTS) return count;
  const { argumentValues, contextArgument } = sandbox.anchors;
  const undefinedValue = sandbox.instance.exports.QTS_GetUndefined();
  for (let slot = count; slot < index; slot++) {
    sandbox.copyValue(undefinedValue, argumentValues + slot * VALUE_BYTES);
  }
  sandbox.copyValue(contextArgument, argumentValues + index * VALUE_BYTES);
  return index + 1;
}
