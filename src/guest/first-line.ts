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
    const positions = heap.word(bytecode + BytecodeLayout.positions);
    const length = heap.word(bytecode + BytecodeLayout.positionBytes);
    moveUp(heap.bytes.subarray(positions, positions + length));
    const constants = heap.word(bytecode + BytecodeLayout.constants);
    const count = heap.word(bytecode + BytecodeLayout.constantCount);
    for (let index = 0; index < count; index++) {
      const value = constants + index * VALUE_BYTES;
      if (heap.tag(value) === Tag.functionBytecode) waiting.push(heap.pointer(value));
    }
  }
}

/** Moves a function's positions up by a line: its own, or where that is the first, those of its body. */
function moveUp(positions: Uint8Array): void {
  if (positions[0] === 0) decrementFirstStep(positions, afterNumber(positions, 1));
  else decrement(positions, 0, 1);
}

/**
 * A function's own line and column are followed by steps: instructions, lines, columns. Small numbers
 * of instructions and lines are one byte together, others follow a 0; steps that may be negative have
 * their sign in the lowest bit. The first step down from the wrapper's line is to the body.
 */
function decrementFirstStep(bytes: Uint8Array, from: number): void {
  for (let at = from; at < bytes.length;) {
    const packed = bytes[at] ?? 0;
    if (packed > 0) {
      if ((packed - PACKED_FROM) % PACKED_LINES > ZERO_LINES) {
        bytes[at] = packed - 1;
        return;
      }
      at = afterNumber(bytes, at + 1);
      continue;
    }
    const lines = afterNumber(bytes, at + 1);
    if (bytes[lines] !== 0) {
      decrement(bytes, lines, 2);
      return;
    }
    at = afterNumber(bytes, afterNumber(bytes, lines));
  }
}

const PACKED_FROM = 1;
/** Steps by -1 to 3 lines. */
const PACKED_LINES = 5;
const ZERO_LINES = 1;

/** Where what follows a LEB128 number begins. */
function afterNumber(bytes: Uint8Array, at: number): Address {
  let end = at;
  while ((bytes[end] ?? 0) >= 0x80) end++;
  return end + 1;
}

/** Takes something small from a LEB128 number that is not smaller, in as many bytes as it has. */
function decrement(bytes: Uint8Array, at: number, amount: number): void {
  let borrowed = amount;
  for (let index = at; borrowed > 0; index++) {
    const byte = bytes[index] ?? 0;
    const digit = (byte & 0x7f) - borrowed;
    bytes[index] = (byte & 0x80) | (digit & 0x7f);
    borrowed = digit < 0 ? 1 : 0;
    if (byte < 0x80) return;
  }
}
