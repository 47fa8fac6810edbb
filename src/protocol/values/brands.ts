/** What kind of host object a value is, for encoding it or for saying why it is refused. */

/** A property of each kind's prototype that throws for what has not its state, of whatever realm. */
const STATES: Readonly<Record<string, string>> = {
  Map: "size",
  Set: "size",
  Date: "getTime",
  RegExp: "source",
  ArrayBuffer: "byteLength",
  Number: "valueOf",
  String: "valueOf",
  Boolean: "valueOf",
  BigInt: "valueOf",
};

/** What the language keeps in objects whose state properties do not show, and has no global for. */
const REFUSED_FAMILIES = /^(?:Intl|Temporal|WebAssembly)\.|Generator$| Iterator(?: Helper)?$/;

const globals = globalThis as unknown as Readonly<Record<string, unknown>>;

/**
 * The class by which the object is encoded, or by which it is refused; undefined for what has none
 * and is its own enumerable properties.
 */
export function brandOf(value: object): string | undefined {
  if (value instanceof Error) return "Error";
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (hasState(value, tag)) return tag;
  const name = platformClass(value);
  if (name !== undefined) {
    // A Map without a Map's state is a Proxy of one, if nobody made it with `Object.create()`.
    return !Object.hasOwn(STATES, name) || hasState(value, name) ? name : "Proxy";
  }
  // Most are instances of a program's own classes. The rest is of another realm: a frame, node:vm.
  if (tag === "Object" || Object.hasOwn(STATES, tag)) return undefined;
  // Without a tag of its own it is the language's word.
  if (tag === "Error") return Symbol.toStringTag in value ? undefined : tag;
  return REFUSED_FAMILIES.test(tag) || isPlatforms(tag) ? tag : undefined;
}

/** What is behind the value: the primitive of a boxed one, the milliseconds of a Date. */
export function stateOf(value: object, brand: string): unknown {
  const { prototype } = globals[brand] as { prototype: object };
  const member: unknown = Reflect.get(prototype, STATES[brand] ?? "", value);
  return typeof member === "function" ? Reflect.apply(member, value, []) : member;
}

function hasState(value: object, brand: string): boolean {
  return Object.hasOwn(STATES, brand) && isUsable(() => stateOf(value, brand));
}

/**
 * The platform's class that the object is an instance of: `URL`, `Blob`, `MessagePort`. They keep
 * their state where properties do not show it, and would arrive empty.
 */
function platformClass(value: object): string | undefined {
  let prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  while (prototype !== null) {
    const { constructor } = prototype;
    if (typeof constructor === "function") {
      const { name } = constructor;
      if (name === "Object" || name === "Iterator") return undefined;
      if (globals[name] === constructor && isPlatforms(name)) return name;
    }
    prototype = Object.getPrototypeOf(prototype) as typeof prototype;
  }
  return undefined;
}

/** What a program puts on the global object can be enumerated, the platform's classes cannot. */
function isPlatforms(name: string): boolean {
  const isOurs = Object.prototype.propertyIsEnumerable.call(globals, name);
  return typeof globals[name] === "function" && !isOurs;
}

export function withArticle(name: string): string {
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
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
