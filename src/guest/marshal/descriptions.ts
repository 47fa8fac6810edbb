/** What a console shows of values that cannot cross, as Node names them. */
import { className } from "./heap-layout.ts";
import { errorText, type HeapReader } from "./heap-reader.ts";

/** Code units of a name that is shown. */
const MAXIMUM_NAME_LENGTH = 100;

/** Functions go by their names; of other objects there is no more to say than their class. */
export function describeObject(
  heap: HeapReader,
  object: number,
  classId: number,
): string | undefined {
  if (className(classId) !== "a function") return undefined;
  const name = errorText(heap, object, "name", "").slice(0, MAXIMUM_NAME_LENGTH);
  return name === "" ? "[Function (anonymous)]" : `[Function: ${name}]`;
}

export function describeSymbol(heap: HeapReader, address: number): string {
  return `Symbol(${heap.string(heap.pointer(address), MAXIMUM_NAME_LENGTH)})`;
}
