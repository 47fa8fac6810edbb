/** The form of values on their way out, between the worker that writes it and the parent that reads. */

/** A value's leading byte. Everything from `object` on is counted, for `same` to refer to. */
export const OutboundTag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** Zigzag LEB128. */
  int32: 4,
  float64: 5,
  string: 6,
  /** A byte count, then two's complement, least significant first. */
  bigint: 7,
  /** Stands for what cannot cross, in console lines only: a description. */
  description: 8,
  /** The number of an earlier object. */
  same: 9,
  /** A count, that many names, then as many values; the names are remembered as a shape. */
  object: 10,
  /** The number of an earlier shape, then its values. */
  shapedObject: 11,
  array: 12,
  /** Length, a count, then that many names and values. */
  sparseArray: 13,
  /** Milliseconds as float64. */
  date: 14,
  /** Source, flags. */
  regexp: 15,
  map: 16,
  set: 17,
  /** Name, message, stack, a sum of `ErrorPart`, then the cause if there is one. */
  error: 18,
  /** Bytes, then the maximum length plus one, or 0 when it cannot be resized. */
  arrayBuffer: 19,
  /**
   * Index in `TYPED_ARRAYS`, byteOffset, length plus one, or 0 when it follows that of its buffer,
   * then the buffer.
   */
  typedArray: 20,
  /** byteOffset, byteLength as a typed array's length, then the buffer. */
  dataView: 21,
  /** A primitive follows. */
  boxed: 22,
  /** A block that holds one value, with references and shapes of its own. Not counted itself. */
  apart: 23,
  /** An ArrayBuffer that goes beside the bytes. */
  besideBuffer: 24,
} as const;

/** What an error has or lacks. */
export const ErrorPart = { cause: 1, noMessage: 2 } as const;
