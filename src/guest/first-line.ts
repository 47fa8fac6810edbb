/**
 * Code that the library puts around source text goes on a line of its own, before the text. The
 * positions of what was compiled are then one line too far down; here they are put right, in the
 * engine's own records, so that guest code sees the same positions as the host.
 */
import type { Address } from "./engine.ts";
import { BytecodeLayout, ObjectLayout, Tag, VALUE_BYTES } from "./marshal/heap-layout.ts";
import type { Sandbox } from "./sandbox.ts";

/** Takes the line before the text out of the positions of a function and of all functions in it. */
export function dropFirstLine(sandbox: Sandbox, functionValue: Address): void {
  const { heap } = sandbox;
  heap.refresh();
  const waiting = [heap.word(heap.pointer(functionValue) + ObjectLayout.data)];
  for (let bytecode = waiting.pop(); bytecode !== undefined; bytecode = waiting.pop()) {
    decrementLine(heap.bytes, heap.word(bytecode + BytecodeLayout.positions));
    const constants = heap.word(bytecode + BytecodeLayout.constants);
    const count = heap.word(bytecode + BytecodeLayout.constantCount);
    for (let index = 0; index < count; index++) {
      const value = constants + index * VALUE_BYTES;
      if (heap.tag(value) === Tag.functionBytecode) waiting.push(heap.pointer(value));
    }
  }
}

/** Takes one from a LEB128 number that is not 0, in as many bytes as it has. */
function decrementLine(bytes: Uint8Array, at: Address): void {
  for (let index = at; ; index++) {
    const byte = bytes[index] ?? 0;
    const isLast = byte < 0x80;
    if ((byte & 0x7f) > 0) {
      bytes[index] = byte - 1;
      return;
    }
    if (isLast) return;
    bytes[index] = 0xff;
  }
}
