/** What kind of host object a value is, for encoding it. */

/** What must not be mistaken for a plain object: things with a state that properties do not show. */
const REFUSED_TAGS = /*#__PURE__*/ new Set([
  "Promise",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "FinalizationRegistry",
  "SharedArrayBuffer",
  "MessagePort",
  "ReadableStream",
  "WritableStream",
  "TransformStream",
  "Symbol",
  "Generator",
  "AsyncGenerator",
  "WebAssembly.Module",
  "WebAssembly.Memory",
  "WebAssembly.Instance",
]);

/**
 * The object's class by its internal slots where the platform lets us see them; undefined for what
 * has none of its own.
 */
export function brandOf(value: object): string | undefined {
  if (value instanceof Map) return "Map";
  if (value instanceof Set) return "Set";
  if (value instanceof Date) return "Date";
  if (value instanceof RegExp) return "RegExp";
  if (value instanceof Error) return "Error";
  if (value instanceof ArrayBuffer) return "ArrayBuffer";
  if (value instanceof Number) return "Number";
  if (value instanceof String) return "String";
  if (value instanceof Boolean) return "Boolean";
  // For values of other realms (frames, node:vm) and for what is refused.
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return FOREIGN_BRANDS.has(tag) || REFUSED_TAGS.has(tag) ? tag : undefined;
}

const FOREIGN_BRANDS = /*#__PURE__*/ new Set([
  "Map",
  "Set",
  "Date",
  "RegExp",
  "Error",
  "ArrayBuffer",
  "Number",
  "String",
  "Boolean",
  "BigInt",
]);

export function viewName(value: ArrayBufferView): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

export function isShared(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}
