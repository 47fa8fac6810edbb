/**
 * Guest source: intrinsics captured before any other guest code runs. The library's guest code
 * uses these and nothing it would have to look up, so replacing `Array.prototype.push` or
 * `Map.prototype.set` changes nothing for it. For the same reason it never spreads, never
 * destructures arrays, never iterates, and gives property descriptors no prototype.
 */
export const INTRINSICS: string = /* js */ `
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const { apply, defineProperty, deleteProperty, ownKeys, getOwnPropertyDescriptor } = Reflect;
  const { ArrayBuffer, Uint8Array, Map, Set, RegExp, Promise, Date, DataView, Error, TypeError, ReferenceError, String, Number } = globalThis;
  const now = Date.now;
  const floor = Math.floor;
  const mapSet = uncurry(Map.prototype.set);
  const setAdd = uncurry(Set.prototype.add);
  const promiseThen = uncurry(Promise.prototype.then);
  const resolved = Promise.resolve();
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const viewBuffer = uncurry(Object.getOwnPropertyDescriptor(TypedArray.prototype, "buffer").get);
  const isView = ArrayBuffer.isView;
  const dataViewBuffer = uncurry(Object.getOwnPropertyDescriptor(DataView.prototype, "buffer").get);
  const typedArrays = [
    Uint8ClampedArray, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array,
    BigInt64Array, BigUint64Array, globalThis.Float16Array, Float32Array, Float64Array,
  ];
  const errors = {
    __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, InternalError,
  };
  const freeze = Object.freeze;
  function define(object, key, value, enumerable) {
    defineProperty(object, key, { __proto__: null, value, writable: true, configurable: true, enumerable });
  }
`;
