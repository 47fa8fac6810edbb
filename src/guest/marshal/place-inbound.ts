/** Inbound values, put into a sandbox: see `protocol/values/inbound.ts` for the form. */
import { NO_BUFFERS, type Payload } from "../../protocol/payload.ts";
import { InboundMode } from "../../protocol/values/guest-format.ts";
import type { Address } from "../engine.ts";
import {
  ARGUMENT_SLOTS,
  type Completion,
  INPUT_BYTES,
  type Sandbox,
  SandboxMemoryError,
} from "../sandbox.ts";
import { ObjectLayout, VALUE_BYTES } from "./heap-layout.ts";

/** Arguments ready for `Sandbox.call`. */
export interface PlacedArguments {
  count: number;
  pointers: Address;
  /** The guest array that keeps them alive, 0 where none is needed. Free it after the call. */
  owner: Address;
}

/**
 * Builds the values and leads the argument slots to them.
 *
 * @throws SandboxMemoryError when the sandbox's memory cannot take them.
 * @throws GuestDecodeError when the engine refuses them.
 */
export function placeArguments(
  sandbox: Sandbox,
  { bytes: payload, buffers }: Payload,
): PlacedArguments {
  const { anchors } = sandbox;
  const mode = payload[0];
  if (mode === InboundMode.immediates) {
    const count = payload[1] ?? 0;
    if (count <= ARGUMENT_SLOTS) {
      const { bytes } = sandbox.heap;
      // At most 512 bytes, mostly 8 or 16: a call of set() and the view it needs cost more.
      for (let from = 2, to = anchors.argumentValues; from < payload.length; from++, to++)
        bytes[to] = payload[from] ?? 0;
      return { count, pointers: anchors.argumentPointers, owner: 0 };
    }
    const values = allocate(sandbox, count * VALUE_BYTES);
    sandbox.heap.bytes.set(payload.subarray(2), values);
    return { count, pointers: pointersTo(sandbox, values, count), owner: 0 };
  }
  const owner = placeArray(sandbox, payload, buffers);
  const { heap } = sandbox;
  const array = heap.pointer(owner);
  const count = heap.word(array + ObjectLayout.count);
  const values = heap.word(array + ObjectLayout.second);
  if (count > ARGUMENT_SLOTS) return { count, pointers: pointersTo(sandbox, values, count), owner };
  // The slots are copied to rather than led away: their pointers are part of the image.
  heap.bytes.copyWithin(anchors.argumentValues, values, values + count * VALUE_BYTES);
  return { count, pointers: anchors.argumentPointers, owner };
}

/** Builds the array of values a payload holds; returns the address of the guest array's value. */
export function placeArray(
  sandbox: Sandbox,
  payload: Uint8Array,
  buffers: readonly ArrayBuffer[] = NO_BUFFERS,
): Address {
  const { anchors, instance } = sandbox;
  const { exports } = instance;
  const encoded = payload.subarray(1);
  let buffer = anchors.inputBuffer;
  if (encoded.length <= INPUT_BYTES) {
    sandbox.heap.bytes.set(encoded, anchors.input);
  } else {
    const bytes = allocate(sandbox, encoded.length);
    sandbox.heap.bytes.set(encoded, bytes);
    buffer = exports.QTS_NewArrayBuffer(anchors.context, bytes, encoded.length);
  }
  const decoded = exports.QTS_bjson_decode(anchors.context, buffer);
  if (buffer !== anchors.inputBuffer) sandbox.free(buffer);
  const failure = exports.QTS_ResolveException(anchors.context, decoded);
  sandbox.heap.refresh();
  if (failure !== 0) throw new GuestDecodeError(sandbox, failure);
  if (payload[0] !== InboundMode.linked) return decoded;
  const beside = buffers.map((buffer) => placeBuffer(sandbox, buffer));
  for (const [index, value] of [decoded, ...beside].entries())
    sandbox.copyValue(value, anchors.argumentValues + index * VALUE_BYTES);
  const linked: Completion = sandbox.call(anchors.helpers.link, 1 + beside.length);
  if (linked.threw) throw new GuestDecodeError(sandbox, linked.value);
  sandbox.free(decoded);
  for (const value of beside) sandbox.free(value);
  return linked.value;
}

/** A guest ArrayBuffer with these bytes. */
function placeBuffer(sandbox: Sandbox, buffer: ArrayBuffer): Address {
  const address = allocate(sandbox, buffer.byteLength);
  sandbox.heap.bytes.set(new Uint8Array(buffer), address);
  // The engine takes the block over and frees it with the buffer.
  const { exports } = sandbox.instance;
  const value = exports.QTS_NewArrayBuffer(sandbox.anchors.context, address, buffer.byteLength);
  sandbox.heap.refresh();
  return value;
}

/** The engine could not build the values: out of memory, or deeper than its stack. */
export class GuestDecodeError extends Error {
  override name = "GuestDecodeError";
  constructor(
    sandbox: Sandbox,
    readonly thrown: Address,
  ) {
    super(`The values do not fit into the sandbox: ${describeThrown(sandbox, thrown)}.`);
  }
}

function describeThrown(sandbox: Sandbox, thrown: Address): string {
  const { heap } = sandbox;
  const message = heap.findData(heap.pointer(thrown), "message");
  return message === 0 ? "no reason given" : heap.text(message, 200);
}

function allocate(sandbox: Sandbox, count: number): Address {
  const address = sandbox.instance.malloc(count);
  if (address === 0) throw new SandboxMemoryError(count);
  return address;
}

function pointersTo(sandbox: Sandbox, values: Address, count: number): Address {
  const pointers = allocate(sandbox, count * 4);
  const words = new Uint32Array(sandbox.instance.memory.buffer, pointers, count);
  for (let index = 0; index < count; index++) words[index] = values + index * VALUE_BYTES;
  return pointers;
}
