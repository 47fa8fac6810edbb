/** What every vector must leave as it found it: the host's prototypes, and the sandbox. */

/**
 * Remembers the built-in objects of this realm, and returns a function that names what has changed
 * since. Self-contained: it is also sent to workers as text, to watch their realms.
 */
export function watchRealm(): () => string[] {
  const iterators = [
    [][Symbol.iterator](),
    new Map().keys(),
    new Set().keys(),
    ""[Symbol.iterator](),
  ];
  const hidden: [string, object][] = [
    ["%TypedArray%", Object.getPrototypeOf(Uint8Array) as object],
    ["%Generator%", Object.getPrototypeOf(function* () {}) as object],
    ["%AsyncGenerator%", Object.getPrototypeOf(async function* () {}) as object],
    ["%AsyncFunction%", Object.getPrototypeOf(async () => {}) as object],
    ...iterators.map((it, at): [string, object] => [`%Iterator${at}%`, Object.getPrototypeOf(it)]),
  ];
  const names =
    "Object Function Array String Number Boolean Symbol BigInt Promise Error EvalError RangeError " +
    "ReferenceError SyntaxError TypeError URIError AggregateError Map Set WeakMap WeakSet WeakRef " +
    "FinalizationRegistry Date RegExp ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array " +
    "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array " +
    "BigInt64Array BigUint64Array JSON Math Reflect Proxy Atomics WebAssembly URL URLSearchParams " +
    "TextEncoder TextDecoder AbortController AbortSignal Event EventTarget MessagePort console";
  const realm = globalThis as unknown as Record<string, object | undefined>;
  const roots: [string, object][] = [...hidden];
  for (const name of names.split(" ")) {
    const root = realm[name];
    if (root !== undefined) roots.push([name, root]);
  }
  for (const [name, root] of roots.slice()) {
    const { prototype } = root as { prototype?: object };
    if (typeof prototype === "object") roots.push([`${name}.prototype`, prototype]);
  }
  const photograph = (object: object): unknown[] => {
    const parts: unknown[] = [Object.getPrototypeOf(object), Object.isExtensible(object)];
    for (const key of Reflect.ownKeys(object)) {
      const found = Reflect.getOwnPropertyDescriptor(object, key);
      parts.push(key, found?.value, found?.get, found?.set);
      parts.push(found?.writable, found?.enumerable, found?.configurable);
    }
    return parts;
  };
  const before = roots.map(([, root]) => photograph(root));
  const globals = new Set(Reflect.ownKeys(globalThis));
  return () => {
    const changed = roots.flatMap(([name, root], at) => {
      const now = photograph(root);
      const then = before[at] ?? [];
      const same = now.length === then.length && now.every((part, n) => Object.is(part, then[n]));
      return same ? [] : [name];
    });
    for (const key of Reflect.ownKeys(globalThis)) {
      if (!globals.has(key)) changed.push(`globalThis.${String(key)}`);
    }
    return changed;
  };
}

/** A module for workers in Node that watches the realm it is loaded in. */
export function realmModule(): string {
  const source = `export const changes = (${String(watchRealm)})();`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/**
 * A guest function that describes everything reachable from `globalThis`: objects in the order
 * they are met, their prototypes, every property with its flags, primitives by value. Beside it:
 * two random numbers, the bytes of fresh buffers that are not zero, and what the jobs of the
 * turns before have left.
 */
export const PROBE = `async () => {
  const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, isExtensible } = Reflect;
  const tagOf = Object.prototype.toString, sourceOf = Function.prototype.toString;
  const numbers = new Map(), queue = [], lines = [];
  function known(value) {
    if ((typeof value !== "object" || value === null) && typeof value !== "function") {
      return typeof value + " " + (typeof value === "symbol" ? value.toString() : String(value));
    }
    let number = numbers.get(value);
    if (number === undefined) { numbers.set(value, number = numbers.size); queue.push(value); }
    return "#" + number;
  }
  known(globalThis);
  for (let at = 0; at < queue.length; at++) {
    const object = queue[at];
    lines.push("#" + at + " " + tagOf.call(object) + (isExtensible(object) ? "" : " closed") + " from " + known(getPrototypeOf(object)));
    if (typeof object === "function") lines.push("  source " + sourceOf.call(object).length);
    const keys = ownKeys(object);
    for (let index = 0; index < keys.length; index++) {
      const found = getOwnPropertyDescriptor(object, keys[index]);
      const flags = (found.enumerable ? "e" : "-") + (found.configurable ? "c" : "-") + (found.writable ? "w" : "-");
      const what = "value" in found ? known(found.value) : known(found.get) + " " + known(found.set);
      lines.push("  " + String(keys[index]) + " " + flags + " " + what);
    }
  }
  const globals = ownKeys(globalThis).length;
  let dirty = 0;
  for (const size of [16, 256, 4096, 65536]) {
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index += 8) if (bytes[index] !== 0) dirty++;
  }
  await new Promise((resolve) => resolve());
  return { text: lines.join("\\n"), random: [Math.random(), Math.random()], dirty, late: ownKeys(globalThis).length - globals };
}`;

/** What {@link PROBE} returns. */
export interface Probed {
  text: string;
  random: [number, number];
  dirty: number;
  late: number;
}

/** The first lines in which two descriptions of a sandbox differ. */
export function differences(before: string, after: string): string[] {
  const [then, now] = [before.split("\n"), after.split("\n")];
  const found: string[] = [];
  for (let at = 0; at < Math.max(then.length, now.length) && found.length < 5; at++) {
    if (then[at] !== now[at]) found.push(`${then[at] ?? "nothing"} -> ${now[at] ?? "nothing"}`);
  }
  return found;
}
