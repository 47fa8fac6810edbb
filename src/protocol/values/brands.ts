/** What kind of host object a value is, for encoding it or for saying why it is refused. */

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
]);

/** Families of such things: what the language and the platform keep in objects of their own. */
const REFUSED_FAMILIES = /^(?:Intl|Temporal|WebAssembly)\.| Iterator(?: Helper)?$/;

/** Leads the brand of what only looks like it: Proxies and `Object.create()` can make believe. */
const HOLLOW = "hollow ";

/** Throws unless the value has the internal state of its kind, whatever realm it is from. */
const STATES: Readonly<Record<string, (value: object) => unknown>> = {
  Map: (value) => Reflect.get(Map.prototype, "size", value),
  Set: (value) => Reflect.get(Set.prototype, "size", value),
  Date: (value) => Date.prototype.getTime.call(value),
  RegExp: (value) => Reflect.get(RegExp.prototype, "source", value),
  ArrayBuffer: (value) => Reflect.get(ArrayBuffer.prototype, "byteLength", value),
  Number: (value) => Number.prototype.valueOf.call(value),
  String: (value) => String.prototype.valueOf.call(value),
  Boolean: (value) => Boolean.prototype.valueOf.call(value),
  BigInt: (value) => BigInt.prototype.valueOf.call(value),
};

/**
 * The class by which the object is encoded, or by which it is refused; undefined for what has none
 * and is its own enumerable properties.
 */
export function brandOf(value: object): string | undefined {
  if (value instanceof Error) return "Error";
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const like = likeness(value);
  if (like !== undefined) return hasState(value, like) ? like : HOLLOW + like;
  // Most are instances of a program's own classes, which have no other.
  if (tag !== "Object") {
    if (Object.hasOwn(STATES, tag) && hasState(value, tag)) return tag;
    // Of another realm: a frame, node:vm. Without a tag of its own it is the language's word.
    if (tag === "Error" && !(Symbol.toStringTag in value)) return tag;
    if (REFUSED_TAGS.has(tag) || REFUSED_FAMILIES.test(tag)) return tag;
  }
  return platformClass(value);
}

/** The class it is an instance of, or seems to be. */
function likeness(value: object): string | undefined {
  if (value instanceof Map) return "Map";
  if (value instanceof Set) return "Set";
  if (value instanceof Date) return "Date";
  if (value instanceof RegExp) return "RegExp";
  if (value instanceof ArrayBuffer) return "ArrayBuffer";
  if (value instanceof Number) return "Number";
  if (value instanceof String) return "String";
  if (value instanceof Boolean) return "Boolean";
  return undefined;
}

function hasState(value: object, brand: string): boolean {
  try {
    STATES[brand]?.(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * The platform's class that the object is an instance of: `URL`, `Blob`, `MessagePort`. They keep
 * their state where properties do not show it, and would arrive empty.
 */
function platformClass(value: object): string | undefined {
  const globals = globalThis as unknown as Record<string, unknown>;
  let prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  while (prototype !== null) {
    const { constructor } = prototype;
    if (typeof constructor === "function") {
      const { name } = constructor;
      if (name === "Object" || name === "Iterator") return undefined;
      // What a program puts on the global object can be enumerated, the platform's classes cannot.
      const isOurs = Object.prototype.propertyIsEnumerable.call(globalThis, name);
      if (globals[name] === constructor && !isOurs) return name;
    }
    prototype = Object.getPrototypeOf(prototype) as typeof prototype;
  }
  return undefined;
}

/** How a refusal names it. */
export function nameOfBrand(brand: string): string {
  if (!brand.startsWith(HOLLOW)) return withArticle(brand);
  return `a Proxy of, or an empty object like, ${withArticle(brand.slice(HOLLOW.length))}`;
}

function withArticle(name: string): string {
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** The primitive in a boxed one. */
export function unboxed(value: object, brand: string): unknown {
  return STATES[brand]?.(value);
}

/** What a value is called that had to be something else. */
export function nameOfKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (ArrayBuffer.isView(value)) return withArticle(viewName(value));
  const brand = brandOf(value);
  return brand === undefined ? "an object" : nameOfBrand(brand);
}

export function viewName(value: ArrayBufferView): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

export function isShared(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}

/** Node's Buffers are slices of a pool that holds other people's bytes. */
export function isSlice(view: ArrayBufferView): boolean {
  const { Buffer } = globalThis as { Buffer?: { isBuffer?(value: unknown): boolean } };
  return Buffer?.isBuffer?.(view) === true;
}

/** Whether the buffer was transferred away. */
export function isDetached(buffer: ArrayBuffer): boolean {
  return buffer.byteLength === 0 && !isUsable(() => new Uint8Array(buffer));
}

/** Whether the view's buffer was transferred away, or has shrunk so that the view lies outside. */
export function isLost(view: ArrayBufferView): boolean {
  if (view instanceof DataView) return !isUsable(() => view.byteOffset);
  return view.byteLength === 0 && !isUsable(() => Uint8Array.prototype.keys.call(view));
}

function isUsable(use: () => unknown): boolean {
  try {
    use();
    return true;
  } catch {
    return false;
  }
}
