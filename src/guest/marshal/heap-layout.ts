/**
 * Where the engine keeps what the heap reader looks at: byte offsets of QuickJS 2025-09-13 built
 * for 32-bit memory (both variants share it). Like the binary object format it belongs to the
 * engine version; `self-test.ts` reads a value of every kind at start-up and refuses to run when
 * anything is elsewhere.
 */

/** The upper word of an engine value, when it is a tag; any other word belongs to a double. */
export const Tag = {
  bigint: -9,
  symbol: -8,
  string: -7,
  rope: -6,
  functionBytecode: -2,
  object: -1,
  int: 0,
  bool: 1,
  null: 2,
  undefined: 3,
  exception: 6,
  shortBigint: 7,
} as const;

/** Upper words from the first to the last tag are tags. */
export const FIRST_TAG = -9;
export const LAST_TAG = 7;

/** Added to the upper word of a double's value to get the double back. */
export const DOUBLE_OFFSET = 0x7ff8_000a;

/** Bytes of an engine value. */
export const VALUE_BYTES = 8;

export const ObjectLayout = {
  flags: 5,
  classId: 6,
  shape: 20,
  properties: 24,
  /** Class data: a value, or one or two pointers. */
  data: 32,
  /** Arrays: elements; regular expressions: compiled form. */
  second: 36,
  /** Arrays and typed arrays: element count. */
  count: 40,
} as const;

/** In the flags byte: elements are stored apart from the properties. */
export const FAST_ARRAY_FLAG = 0x08;

export const ShapeLayout = { count: 32, prototype: 44, properties: 48, propertyBytes: 8 } as const;

/** A shape property's flags are the upper 6 bits of its first word. */
export const PROPERTY_FLAGS_SHIFT = 26;
export const PropertyFlag = {
  enumerable: 4,
  kindMask: 0x30,
  accessor: 0x10,
  reference: 0x20,
} as const;

/** An atom with this bit is an array index. */
export const ATOM_INDEX_BIT = 0x8000_0000;

export const StringLayout = { lengthAndWide: 4, hashAndType: 8, data: 16 } as const;
export const WIDE_BIT = 0x8000_0000;
/** The atom type, in the upper 2 bits of the hash word: 1 is a name, others are symbols. */
export const ATOM_TYPE_SHIFT = 30;

export const RopeLayout = { length: 4, wide: 8, left: 16, right: 24 } as const;
export const BigintLayout = { limbs: 4, data: 8 } as const;
export const MapLayout = { last: 4, first: 8, count: 12 } as const;
/** Offsets from a record's link, which is what the list's pointers lead to. */
export const MapRecordLayout = { empty: -4, next: 4, key: 16, value: 24 } as const;
export const MAP_LIST_HEAD = 4;
export const PromiseLayout = { state: 0, result: 24 } as const;
export const BufferLayout = {
  length: 0,
  maximumLength: 4,
  detached: 8,
  shared: 9,
  data: 12,
} as const;
export const ViewLayout = { buffer: 12, offset: 16, length: 20 } as const;
export const ReferenceLayout = { value: 16 } as const;
/**
 * A compiled function. Its positions begin with the function's own line and column, counted from 0,
 * in LEB128; after them come steps to further positions.
 */
export const BytecodeLayout = {
  constants: 56,
  constantCount: 60,
  positionBytes: 76,
  positions: 80,
} as const;
/**
 * A step begins with a byte that is `first + 5 * instructions + (lines - lowest)`, or with 0 and
 * both numbers in LEB128, the lines with their sign in the lowest bit. Columns follow, like lines.
 */
export const PositionStep = { first: 1, lines: 5, lowest: -1 } as const;
export const RuntimeLayout = {
  atomArray: 56,
  stackTop: 124,
  stackLimit: 128,
  stripFlags: 228,
} as const;

/** Class numbers. Typed arrays follow each other in the order of `TYPED_ARRAYS`. */
export const ClassId = {
  object: 1,
  array: 2,
  error: 3,
  number: 4,
  string: 5,
  boolean: 6,
  symbol: 7,
  arguments: 8,
  mappedArguments: 9,
  date: 10,
  moduleNamespace: 11,
  function: 13,
  boundFunction: 14,
  generatorFunction: 16,
  regexp: 18,
  arrayBuffer: 19,
  sharedArrayBuffer: 20,
  firstTypedArray: 21,
  lastTypedArray: 32,
  dataView: 33,
  bigint: 34,
  map: 35,
  set: 36,
  weakMap: 37,
  weakSet: 38,
  proxy: 50,
  promise: 51,
  asyncFunction: 54,
  asyncGeneratorFunction: 58,
} as const;

/** log2 of the element size of each typed array, in the order of `TYPED_ARRAYS`. */
export const TYPED_ARRAY_SHIFTS = [0, 0, 0, 1, 1, 2, 2, 3, 3, 1, 2, 3] as const;

/** A regular expression's flags: bit n of the compiled form's first word is the nth letter. */
export const REGEXP_FLAGS = ["g", "i", "m", "s", "u", "y", "d", "", "v"] as const;

/** What a refusal calls an object of a class that cannot cross. */
export function className(classId: number): string {
  switch (classId) {
    case ClassId.proxy:
      return "a Proxy";
    case ClassId.promise:
      return "a Promise";
    case ClassId.symbol:
      return "a Symbol object";
    case ClassId.weakMap:
      return "a WeakMap";
    case ClassId.weakSet:
      return "a WeakSet";
    case ClassId.sharedArrayBuffer:
      return "a SharedArrayBuffer";
    default:
      return FUNCTION_CLASSES.has(classId) ? "a function" : "an object with internal state";
  }
}

/** C functions, closures, bound, generator and async functions, promise resolvers. */
const FUNCTION_CLASSES: ReadonlySet<number> = /*#__PURE__*/ new Set([
  12, 13, 14, 15, 16, 52, 53, 54, 55, 56, 58,
]);
