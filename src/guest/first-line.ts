/**
 * Code that the library puts around source text goes on a line of its own, before the text. The
 * positions of what was compiled are then one line too far down; here they are put right, in the
 * engine's own records, so that guest code sees the same positions as the host.
 */
import type { Address } from "./engine.ts";
import {
  BytecodeLayout,
  ObjectLayout,
  PositionStep,
  Tag,
  VALUE_BYTES,
} from "./marshal/heap-layout.ts";
import type { Sandbox } from "./sandbox.ts";

/** Takes the line before the text out of the positions of a function and of all functions in it. */
export function dropFirstLine(sandbox: Sandbox, functionValue: Address): void {
  const { heap } = sandbox;
  heap.refresh();
  const waiting = [heap.word(heap.pointer(functionValue) + ObjectLayout.data)];
  for (let bytecode = waiting.pop(); bytecode !== undefined; bytecode = waiting.pop()) {
    const start = heap.word(bytecode + BytecodeLayout.positions);
    const end = start + heap.word(bytecode + BytecodeLayout.positionBytes);
    // A function that begins on the first line stays there, and what is in it comes closer.
    if (!decrementNumber(heap.bytes, start)) shortenFirstStep(heap.bytes, start, end);
    const constants = heap.word(bytecode + BytecodeLayout.constants);
    const count = heap.word(bytecode + BytecodeLayout.constantCount);
    for (let index = 0; index < count; index++) {
      const value = constants + index * VALUE_BYTES;
      if (heap.tag(value) === Tag.functionBytecode) waiting.push(heap.pointer(value));
    }
  }
}

/** Takes one from a LEB128 number, in as many bytes as it has. False when it is 0. */
function decrementNumber(bytes: Uint8Array, at: Address): boolean {
  const end = numberEnd(bytes, at);
  let lowest = at;
  while (lowest < end && ((bytes[lowest] ?? 0) & 0x7f) === 0) lowest++;
  if (lowest === end) return false;
  bytes[lowest] = (bytes[lowest] ?? 0) - 1;
  for (let index = at; index < lowest; index++) bytes[index] = 0xff;
  return true;
}

/** Takes a line from the first step that leads to a further one. */
function shortenFirstStep(bytes: Uint8Array, start: Address, end: Address): void {
  let at = numberEnd(bytes, numberEnd(bytes, start));
  while (at < end) {
    const step = bytes[at] ?? 0;
    if (step >= PositionStep.first) {
      const lines = ((step - PositionStep.first) % PositionStep.lines) + PositionStep.lowest;
      if (lines > 0) {
        bytes[at] = step - 1;
        return;
      }
      at++;
    } else {
      at = numberEnd(bytes, at + 1);
      if (((bytes[at] ?? 0) & 1) === 0 && decrementNumber(bytes, at)) {
        // The sign is in the lowest bit, so that one line is two.
        decrementNumber(bytes, at);
        return;
      }
      at = numberEnd(bytes, at);
    }
    at = numberEnd(bytes, at);
  }
}

function numberEnd(bytes: Uint8Array, at: Address): Address {
  let end = at;
  while ((bytes[end] ?? 0) >= 0x80) end++;
  return end + 1;
}
