/**
 * What a session's run may declare again: a variable that an earlier run declared with let, const
 * or class. The engine refuses that before it runs anything, and names the variable; it is taken
 * away, and the text is evaluated anew. Functions that use the old variable keep it.
 */
import type { Address } from "./engine.ts";
import { ClassId, Tag, VALUE_BYTES } from "./marshal/heap-layout.ts";
import { errorText } from "./marshal/heap-reader.ts";
import type { Completion, Sandbox } from "./sandbox.ts";

const REDECLARATION = /^redeclaration of '(.+)'$/s;
/** Variables that a text may declare again: each costs an evaluation that does not begin. */
const MAXIMUM_NAMES = 1_000;

/** Evaluates with `evaluate`, again for every variable that stands in the way. */
export function redeclaring(sandbox: Sandbox, evaluate: () => Completion): Completion {
  for (let count = 0; ; count++) {
    const completion = evaluate();
    const name = count < MAXIMUM_NAMES ? redeclared(sandbox, completion) : undefined;
    if (name === undefined || !forgetVariable(sandbox, name)) return completion;
    sandbox.free(completion.value);
  }
}

/** The variable that an evaluation failed for; what guest code throws may look the same. */
function redeclared(sandbox: Sandbox, { threw, value }: Completion): string | undefined {
  const { heap } = sandbox;
  const promise = threw ? undefined : sandbox.promise(value);
  const thrown = threw ? value : promise?.state === "rejected" ? promise.result : 0;
  if (thrown === 0 || heap.tag(thrown) !== Tag.object) return undefined;
  const error = heap.pointer(thrown);
  if (heap.classId(error) !== ClassId.error) return undefined;
  return REDECLARATION.exec(errorText(heap, error, "message", ""))?.[1];
}

/** Whether there was such a variable. */
function forgetVariable(sandbox: Sandbox, name: string): boolean {
  const { anchors, heap } = sandbox;
  const variables = variablesOf(sandbox);
  if (variables === 0) return false;
  const text = sandbox.newText(name);
  sandbox.copyValue(variables, anchors.argumentValues);
  sandbox.copyValue(text, anchors.argumentValues + VALUE_BYTES);
  const forgotten = sandbox.call(anchors.helpers.forgetVariable, 2);
  const wasThere = !forgotten.threw && heap.tag(forgotten.value) === Tag.bool;
  const result = wasThere && heap.word(forgotten.value) !== 0;
  sandbox.free(text);
  sandbox.free(forgotten.value);
  return result;
}

/** Words of a context that are searched for its global object. */
const CONTEXT_WORDS = 128;

/** The value that holds a context's let, const and class variables: it follows the global object. */
function variablesOf(sandbox: Sandbox): Address {
  const { heap, instance, anchors } = sandbox;
  const global = instance.exports.QTS_GetGlobalObject(anchors.context);
  heap.refresh();
  const pointer = heap.pointer(global);
  sandbox.free(global);
  for (let word = 0; word < CONTEXT_WORDS; word++) {
    const at = anchors.context + word * 4;
    if (heap.word(at) !== pointer || heap.tag(at) !== Tag.object) continue;
    const next = at + VALUE_BYTES;
    return heap.tag(next) === Tag.object ? next : 0;
  }
  return 0;
}
