/**
 * Guest source: what the web APIs share. It is in the image with the first of them, and installs
 * nothing. Conversions follow WebIDL; strings that go to the host are well-formed.
 */
export const SUPPORT: string = /* js */ `
  const { construct, setPrototypeOf } = Reflect;
  const { isArray } = Array;
  const { iterator: iteratorSymbol, toStringTag: tagSymbol } = Symbol;
  const wellFormed = uncurry(String.prototype.toWellFormed);
  const getterOf = (prototype, name) => uncurry(getOwnPropertyDescriptor(prototype, name).get);
  const viewOffset = getterOf(TypedArray.prototype, "byteOffset");
  const viewBytes = getterOf(TypedArray.prototype, "byteLength");
  const viewTag = getterOf(TypedArray.prototype, tagSymbol);
  const dataViewOffset = getterOf(DataView.prototype, "byteOffset");
  const dataViewBytes = getterOf(DataView.prototype, "byteLength");
  const bufferBytes = getterOf(ArrayBuffer.prototype, "byteLength");
  const isDetached = getterOf(ArrayBuffer.prototype, "detached");
  const setBytes = uncurry(TypedArray.prototype.set);

  function isObject(value) { return (typeof value === "object" && value !== null) || typeof value === "function"; }
  // Not by a template: the engine makes those with String.prototype.concat.
  function plainText(value) {
    if (typeof value === "symbol") throw new TypeError("Cannot convert a symbol to a string.");
    return String(value);
  }
  function text(value) { return wellFormed(plainText(value)); }
  function push(list, value) { define(list, list.length, value, true); }
  function need(given, wanted) {
    if (given < wanted) throw new TypeError(wanted + " argument" + (wanted === 1 ? "" : "s") + " required, but only " + given + " present.");
  }
  // Arguments that WebIDL calls dictionaries.
  function dictionary(options) {
    if (options === undefined || options === null) return { __proto__: null };
    if (!isObject(options)) throw new TypeError("The options must be an object.");
    return options;
  }
  // What a callback throws is nobody's to catch: it is shown.
  function report(error) { host(6, error); }
  // A service of the host's platform: data in, data out.
  function platform(service, args) { return host(20, service, args)[1]; }
  // The bytes of a view or a buffer, and no byte around them.
  function bytesOf(source) {
    let buffer = source;
    let offset = 0;
    let length;
    if (isView(source)) {
      buffer = bufferOf(source);
      if (viewTag(source) === undefined) {
        offset = dataViewOffset(source);
        length = dataViewBytes(source);
      } else {
        offset = viewOffset(source);
        length = viewBytes(source);
      }
    } else length = bufferBytes(source);
    let isShared = false;
    // What was transferred has no bytes.
    try { if (isDetached(buffer)) return new Uint8Array(0); } catch { isShared = true; }
    const bytes = new Uint8Array(buffer, offset, length);
    if (!isShared && offset === 0 && length === bufferBytes(buffer)) return bytes;
    const copy = new Uint8Array(length);
    setBytes(copy, bytes);
    return copy;
  }
  // What an iterable yields; an array is read by index.
  function listOf(iterable) {
    if (!isObject(iterable)) throw new TypeError("What should be a list cannot be iterated.");
    const list = [];
    if (isArray(iterable)) for (let index = 0; index < iterable.length; index++) push(list, iterable[index]);
    else for (const item of iterable) push(list, item);
    return list;
  }
  function enumerate(object) {
    const keys = ownKeys(object);
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index];
      if (typeof key === "string" && key !== "constructor" && key !== "prototype" && key !== "name" && key !== "length") {
        defineProperty(object, key, { __proto__: null, enumerable: true });
      }
    }
  }
  function tag(object, name) {
    defineProperty(object, tagSymbol, { __proto__: null, value: name, configurable: true });
  }
  // Makes a class look as WebIDL has it.
  function installClass(Class) {
    enumerate(Class);
    enumerate(Class.prototype);
    tag(Class.prototype, Class.name);
    define(globalThis, Class.name, Class, false);
  }
  function install(name, value) { define(globalThis, name, value, false); }
`;
