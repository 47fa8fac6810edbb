/** Values of the local context, made of the host's and the other way round. */
import type { QuickJSAsyncContext, QuickJSHandle } from "quickjs-emscripten-core";

/** A value of the local context that only exists there, such as a function. */
export class LocalOnlyError extends Error {
  override name = "LocalOnlyError";
}

/** As deep as values may be that go into a sandbox. */
const MAXIMUM_DEPTH = 500;

/**
 * What has to be asked inside. Evaluated before anything else, so that later code cannot change
 * what it uses.
 */
const HELPERS = `(() => {
  const { getPrototypeOf, keys, getOwnPropertyNames, getOwnPropertyDescriptor } = Object;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const nameOfView = getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
  const baseline = new Set(getOwnPropertyNames(globalThis));
  const photographed = new Map();
  const { apply } = Reflect;
  const { get: getIn, set: setIn } = Map.prototype;
  let numbers = new Map();
  let lastNumber = -1;
  const kinds = [[Date, "date"], [Map, "map"], [Set, "set"], [ArrayBuffer, "buffer"]];
  const own = () => getOwnPropertyNames(globalThis).filter((name) => !baseline.has(name))
    .map((name) => [name, getOwnPropertyDescriptor(globalThis, name)]);
  return {
    kindOf(value) {
      if (isArray(value)) return "array";
      if (isView(value)) return "view";
      const prototype = getPrototypeOf(value);
      if (prototype === null || prototype === Object.prototype) return "object";
      return kinds.find(([constructor]) => prototype === constructor.prototype)?.[1] ?? "other";
    },
    partsOf(value, kind) {
      if (kind === "array") return value;
      if (kind === "set") return [...value];
      if (kind === "view") {
        const name = nameOfView.call(value) ?? "DataView";
        return [name, value.buffer, value.byteOffset, value.length ?? value.byteLength];
      }
      if (kind === "map") return [...value].flat(1);
      return keys(value).flatMap((key) => [key, value[key]]);
    },
    timeOf: (date) => date.getTime(),
    // The same for the same object, counted from the last time that all were forgotten.
    numberOf(value) {
      const known = apply(getIn, numbers, [value]);
      if (known !== undefined) return known;
      apply(setIn, numbers, [value, ++lastNumber]);
      return lastNumber;
    },
    forget() {
      numbers = new Map();
      lastNumber = -1;
    },
    create(kind, given, offset, length) {
      if (kind === "date") return new Date(given);
      if (kind === "map") return new Map();
      if (kind === "set") return new Set();
      if (kind === "regexp") return new RegExp(given[0], given[1]);
      return new globalThis[kind](given, offset, length);
    },
    fill(target, kind, parts) {
      if (kind === "set") for (const part of parts) target.add(part);
      else for (let at = 0; at < parts.length; at += 2) target.set(parts[at], parts[at + 1]);
    },
    photograph() {
      for (const [name, { value }] of own()) photographed.set(name, value);
    },
    // Names, values, and whether each is what it was. Where there is a getter, that is the value.
    globals: () => own().flatMap(([name, { value, get }]) => {
      const shown = get ?? value;
      return [name, shown, photographed.has(name) && Object.is(photographed.get(name), shown)];
    }),
  };
})()`;

type Helper =
  | "kindOf"
  | "partsOf"
  | "timeOf"
  | "numberOf"
  | "forget"
  | "create"
  | "fill"
  | "photograph"
  | "globals";

type ViewParts = [name: string, buffer: ArrayBuffer, byteOffset: number, length: number];

/** The engine has said what it is called: there is no other kind of that name. */
function viewOf([name, ...parts]: ViewParts): ArrayBufferView {
  type View = new (...parts: [ArrayBuffer, number, number]) => ArrayBufferView;
  const Constructor = (globalThis as unknown as Record<string, View>)[name] ?? Uint8Array;
  return new Constructor(...parts);
}

function setPair(target: object, key: unknown, value: unknown): void {
  if (target instanceof Map) target.set(key, value);
  // Assigned, a "__proto__" would be the prototype.
  else {
    const property = { value, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(target, key as string, property);
  }
}

export class LocalValues {
  readonly #context: QuickJSAsyncContext;
  readonly #helpers: QuickJSHandle;

  constructor(context: QuickJSAsyncContext) {
    this.#context = context;
    this.#helpers = context.unwrapResult(context.evalCode(HELPERS, "skep:local"));
  }

  /** Calls a helper; the caller disposes of what it returns. */
  ask(name: Helper, ...args: QuickJSHandle[]): QuickJSHandle {
    const context = this.#context;
    const helper = context.getProp(this.#helpers, name);
    try {
      return context.unwrapResult(context.callFunction(helper, context.undefined, ...args));
    } finally {
      helper.dispose();
    }
  }

  /** A copy of a local value. Throws {@link LocalOnlyError} for what cannot be copied. */
  toHost(handle: QuickJSHandle): unknown {
    try {
      this.ask("forget").dispose();
      return this.#toHost(handle, [], 0);
    } catch (error) {
      if (error instanceof LocalOnlyError) throw error;
      // A getter or a proxy of local code threw, or took too long.
      throw new LocalOnlyError("It cannot be read.", { cause: error });
    }
  }

  /** `made`: the copies of objects, by their numbers. */
  #toHost(handle: QuickJSHandle, made: unknown[], depth: number): unknown {
    const context = this.#context;
    const type = context.typeof(handle);
    switch (type) {
      case "undefined":
        return undefined;
      case "boolean":
        return context.eq(handle, context.true);
      case "number":
        return context.getNumber(handle);
      case "string":
        return context.getString(handle);
      case "bigint":
        return context.getBigInt(handle);
      case "object":
        if (context.eq(handle, context.null)) return null;
        if (depth >= MAXIMUM_DEPTH) throw new LocalOnlyError("It is nested too deep.");
        return this.#objectToHost(handle, made, depth);
      default:
        throw new LocalOnlyError(`It is a ${type}.`);
    }
  }

  #objectToHost(handle: QuickJSHandle, made: unknown[], depth: number): unknown {
    const context = this.#context;
    const number = this.ask("numberOf", handle).consume((id) => context.getNumber(id));
    if (number in made) return made[number];
    // Before its parts, which may lead back to it.
    const keep = <Copy>(copy: Copy): Copy => (made[number] = copy);
    const kind = this.ask("kindOf", handle).consume((name) => context.getString(name));
    if (kind === "other") throw new LocalOnlyError("It is an object of a class.");
    if (kind === "date") {
      return keep(new Date(this.ask("timeOf", handle).consume((time) => context.getNumber(time))));
    }
    if (kind === "buffer") {
      return keep(context.getArrayBuffer(handle).consume(({ value }) => value.slice().buffer));
    }
    const copy =
      kind === "array" ? [] : kind === "set" ? new Set() : kind === "map" ? new Map() : {};
    if (kind !== "view") keep(copy);
    const parts = context
      .newString(kind)
      .consume((name) => this.ask("partsOf", handle, name))
      .consume((list) => this.list(list, (part) => this.#toHost(part, made, depth + 1)));
    if (kind === "view") return keep(viewOf(parts as ViewParts));
    for (const [at, part] of parts.entries()) {
      if (copy instanceof Set) copy.add(part);
      else if (Array.isArray(copy)) copy.push(part);
      else if (at % 2 === 0) setPair(copy, part, parts[at + 1]);
    }
    return copy;
  }

  /** The elements of a local array, each by `take`. */
  list<Part>(list: QuickJSHandle, take: (part: QuickJSHandle, index: number) => Part): Part[] {
    const context = this.#context;
    const length = context.getProp(list, "length").consume((count) => context.getNumber(count));
    return Array.from({ length }, (_part, index) =>
      context.getProp(list, index).consume((part) => take(part, index)),
    );
  }

  /** A local copy of a value that a worker returned; the caller disposes of it. */
  toLocal(value: unknown): QuickJSHandle {
    const made = new Map<object, QuickJSHandle>();
    try {
      return this.#make(value, made);
    } finally {
      for (const handle of made.values()) handle.dispose();
    }
  }

  #make(value: unknown, made: Map<object, QuickJSHandle>): QuickJSHandle {
    const context = this.#context;
    switch (typeof value) {
      case "boolean":
        return value ? context.true : context.false;
      case "number":
        return context.newNumber(value);
      case "string":
        return context.newString(value);
      case "bigint":
        return context.newBigInt(value);
      case "object":
        if (value === null) return context.null;
        break;
      default:
        return context.undefined;
    }
    const known = made.get(value);
    if (known !== undefined) return known.dup();
    const handle = this.#create(value, made);
    made.set(value, handle);
    this.#fill(value, handle, made);
    return handle.dup();
  }

  /** An object of the right kind, without what may lead back to it. */
  #create(value: object, made: Map<object, QuickJSHandle>): QuickJSHandle {
    const context = this.#context;
    if (Array.isArray(value)) return context.newArray();
    if (value instanceof Error)
      return context.newError({ name: value.name, message: value.message });
    if (value instanceof ArrayBuffer) return context.newArrayBuffer(value.slice());
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      const size = (value as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
      const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
      return this.#created(made, kind, buffer, byteOffset, byteLength / size);
    }
    if (value instanceof Date) return this.#created(made, "date", value.getTime());
    if (value instanceof RegExp) return this.#created(made, "regexp", [value.source, value.flags]);
    if (value instanceof Map) return this.#created(made, "map");
    if (value instanceof Set) return this.#created(made, "set");
    return context.newObject();
  }

  #created(made: Map<object, QuickJSHandle>, ...given: unknown[]): QuickJSHandle {
    const args = given.map((part) => this.#make(part, made));
    try {
      return this.ask("create", ...args);
    } finally {
      for (const arg of args) arg.dispose();
    }
  }

  #fill(value: object, handle: QuickJSHandle, made: Map<object, QuickJSHandle>): void {
    const context = this.#context;
    const set = (key: string | number, part: unknown): void => {
      this.#make(part, made).consume((local) => {
        // Assigned, it would be the prototype.
        if (key !== "__proto__") context.setProp(handle, key, local);
        else
          context.defineProp(handle, key, { value: local, configurable: true, enumerable: true });
      });
    };
    if (Array.isArray(value)) {
      // Holes stay holes.
      for (const key of Object.keys(value)) set(Number(key), value[Number(key)]);
      this.#make(value.length, made).consume((length) => context.setProp(handle, "length", length));
    } else if (value instanceof Map || value instanceof Set) {
      const kind = value instanceof Map ? "map" : "set";
      const parts = value instanceof Map ? [...value].flat(1) : [...value];
      const args = [kind, parts].map((part) => this.#make(part, made));
      this.ask("fill", handle, ...args).dispose();
      for (const arg of args) arg.dispose();
    } else if (value instanceof Error) {
      if (value.stack !== undefined) set("stack", value.stack);
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      for (const [key, part] of Object.entries(value)) set(key, part);
    }
  }

  dispose(): void {
    this.#helpers.dispose();
  }
}
