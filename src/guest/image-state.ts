/** Images as plain data, for other workers, other processes and files; and back. */
import type { ImageState } from "../protocol/control.ts";
import type { Image } from "./image.ts";
import type { Inventory } from "./inventory.ts";
import type { Anchors, FunctionAnchor } from "./sandbox.ts";

/** {@link Anchors} with what JSON can say. */
type AnchorState = Omit<Anchors, "functions"> & { functions: [number, FunctionAnchor][] };

export function stateOfImage({ segments, gaps, heapEnd, anchors, bytes: size }: Image): ImageState {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { bytes: part } of segments) {
    bytes.set(part, at);
    at += part.length;
  }
  const state: AnchorState = { ...anchors, functions: [...anchors.functions] };
  return {
    bytes,
    stretches: segments.map(({ start, bytes: part }) => [start, part.length]),
    gaps: gaps.map(({ start, end }) => [start, end - start]),
    heapEnd,
    anchors: state,
  };
}

/** The image of a state whose functions are those of the same names in the inventory. */
export function imageOfState(state: ImageState, inventory: Inventory): Image {
  // Images are compared word by word; what came through a pipe may begin anywhere.
  const bytes = state.bytes.byteOffset % 4 === 0 ? state.bytes : state.bytes.slice();
  let at = 0;
  const segments = state.stretches.map(([start, length]) => {
    at += length;
    return { start, bytes: bytes.subarray(at - length, at) };
  });
  const given = state.anchors as AnchorState;
  // Another pool may have numbered the same functions otherwise.
  const ids = new Map(inventory.functions.map(({ id, name }) => [name, id]));
  const functions = new Map(
    given.functions.flatMap(([, anchor]) => {
      const id = ids.get(anchor.name);
      return id === undefined ? [] : [[id, anchor] as const];
    }),
  );
  return {
    segments,
    gaps: state.gaps.map(([start, length]) => ({ start, end: start + length })),
    heapEnd: state.heapEnd,
    anchors: { ...given, functions },
    bytes: state.bytes.length,
  };
}
