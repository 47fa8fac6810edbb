/**
 * The engine's own binary object format, as far as inbound values use it. It belongs to the engine
 * version (QuickJS 2025-09-13, both variants); a worker checks it against its engine before the
 * first run and refuses to start on any difference.
 */

/** The first byte of every encoded object. */
export const FORMAT_VERSION = 5;

/** A value's leading byte. */
export const GuestTag = {
  null: 1,
  undefined: 2,
  false: 3,
  true: 4,
  /** Zigzag LEB128. */
  int32: 5,
  float64: 6,
  string: 7,
  object: 8,
  array: 9,
  /** A byte count, then two's complement, least significant first. */
  bigint: 10,
  typedArray: 14,
  arrayBuffer: 15,
  date: 17,
  /** A boxed primitive: the primitive follows. */
  boxed: 18,
} as const;

/** "No maximum" of an ArrayBuffer that cannot be resized. */
export const FIXED_LENGTH = 0xffff_ffff;

/** The kinds of typed arrays in the order of the engine's classes. */
export const TYPED_ARRAYS = [
  "Uint8ClampedArray",
  "Int8Array",
  "Uint8Array",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
] as const;

/** How an inbound payload is laid out: its first byte. */
export const InboundMode = {
  /** A count, then engine values of 8 bytes each: numbers, booleans, null, undefined. */
  immediates: 0,
  /** One encoded array. */
  plain: 1,
  /** An encoded `[values, data, links]`: see {@link LinkKind}. */
  linked: 2,
} as const;

/**
 * What the engine's format cannot say travels beside the values: the place is left null, and a
 * link says what belongs there. A link is `path, kind, fields`; a path is a count and that many
 * keys, starting in `[values, data]`.
 */
export const LinkKind = {
  /** The object at another path: shared references and cycles. */
  same: 0,
  /** Index of `[key, value, …]` in `data`. */
  map: 1,
  /** Index of the members in `data`. */
  set: 2,
  /** Source, flags. */
  regexp: 3,
  /** Index of `[name, message]` or `[name, message, cause]` in `data`. */
  error: 4,
  /** Index of `[length, key, value, …]` in `data`: arrays with holes or named properties. */
  array: 5,
  /** Index of `[buffer, byteOffset, byteLength]` in `data`. */
  dataView: 6,
  /** Index in `TYPED_ARRAYS`, byteOffset, length, path of the buffer: a view of a buffer elsewhere. */
  view: 7,
  /** Which of the buffers beside the bytes. */
  buffer: 8,
} as const;

/** How many buffers can go beside the bytes: the guest's code gets them as arguments. */
export const MAXIMUM_BESIDE = 60;

/** As a path's key: the buffer behind the typed array or view found there. */
export const BUFFER_KEY = -1;

/** How deep values may nest, either way: what the engine's stack carries with room to spare. */
export const MAXIMUM_DEPTH = 500;

/** Errors of which the guest has a class of its own; all others become plain ones. */
export const STANDARD_ERRORS: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
]);
