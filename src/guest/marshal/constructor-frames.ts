/** The frames of an error's own constructors: where it was made is where they were called. */
import { ObjectLayout, ShapeLayout, Tag } from "./heap-layout.ts";
import { errorText, type HeapReader } from "./heap-reader.ts";

/** How many classes an error may be below `Error` for its constructors to be known. */
const MAXIMUM_CLASSES = 8;

/** The stack of the error at `object` from the place on where it was made. */
export function withoutConstructors(heap: HeapReader, object: number, stack: string): string {
  const classes = classesOf(heap, object);
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => {
    const name = /^\s+at (?:new )?(\S+) \(/.exec(line)?.[1];
    return name === undefined || !classes.has(name);
  });
  const isFrame = /^\s+at /.test(lines[first] ?? "");
  return first > 0 && isFrame ? lines.slice(first).join("\n") : stack;
}

/** The names of the constructors that an object's prototypes have. */
function classesOf(heap: HeapReader, object: number): Set<string> {
  const names = new Set<string>();
  let at = object;
  for (let left = MAXIMUM_CLASSES; left > 0; left--) {
    at = heap.word(heap.word(at + ObjectLayout.shape) + ShapeLayout.prototype);
    if (at === 0) break;
    const address = heap.findData(at, "constructor");
    if (address === 0 || heap.tag(address) !== Tag.object) continue;
    names.add(errorText(heap, heap.pointer(address), "name", ""));
  }
  return names;
}
