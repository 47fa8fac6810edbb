/**
 * The host's side of the one door guest code has: see `boot/host.ts` for the guest's. What comes
 * through is data read from the sandbox's memory; what goes back is data too. Host functions and
 * objects are reached by number and own name, never handed over.
 */
import { ByteWriter } from "../protocol/bytes.ts";
import { FILE_CALL } from "../protocol/file-calls.ts";
import { NO_BUFFERS, type Payload } from "../protocol/payload.ts";
import type { DependencyDefinition } from "../protocol/control.ts";
import { encodeArray } from "../protocol/values/inbound.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import { HostOperation, HostResult } from "./boot/host.ts";
import type { Address } from "./engine.ts";
import type { HostModules } from "./host-modules.ts";
import { ObjectLayout, VALUE_BYTES } from "./marshal/heap-layout.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import { GuestDecodeError, placeArray } from "./marshal/place-inbound.ts";
import { platformService } from "./platform-services.ts";
import { type Sandbox, SandboxMemoryError } from "./sandbox.ts";

type HostModuleDefinition = Extract<DependencyDefinition, { kind: "host-module" }>;

/** The reply to a call of host code, in inbound form. */
export interface HostReply {
  succeeded: boolean;
  payload: Payload;
}

/** What a host call may do to the sandbox it comes from; a new one for every fresh sandbox. */
export interface HostVisit {
  /** When the guest's earliest timer is due in milliseconds, or -1 for never. */
  armTimer(delayMs: number): void;
  /** A console line: the address of the level's text and of the array of values. */
  console(level: Address, values: Address): void;
  /** What a callback threw that nobody waits for. */
  uncaught(thrown: Address): void;
  /** The function around a CommonJS dependency. */
  commonjsBody(alias: string): Address;
  /** A promise was given out under `id`: settle it in this sandbox, unless it is gone by then. */
  pending(id: number, promise: PromiseLike<unknown>): void;
  /** A call of a function of the host: gives out a promise under the number returned. */
  callHost(name: string, args: Payload): number;
  /** The same, waiting for the reply; a string says why that is impossible. */
  callHostSync(name: string, args: Payload): HostReply | string;
  /** A part of a guest's request; what is promised settles later. */
  request(action: string, args: readonly unknown[]): Promise<unknown> | undefined;
  /** When the run began, on `performance.now()`'s clock. */
  startedAt(): number;
  /** Whether the run has hit a limit: then nothing of what it still asks for is done. */
  isOver(): boolean;
  /**
   * Counts a call into host code, which acts in this thread or is the parent's to answer. Throws when
   * there was one too many.
   */
  hostCalled(isActingHere: boolean): void;
  /** Counts an operation on the pool's files likewise; throws where there are none. */
  fileCalled(): void;
  /** The arguments of such a call, which count as output; of the worker's own where it answers. */
  readArguments(args: Address, answeredBy: "parent" | "worker"): Payload;
  /** What host code answers, which counts as input. Throws when it is too much. */
  encodeAnswer(values: readonly unknown[], root: "result" | "error"): Uint8Array;
  /** Host objects this sandbox holds handles of. */
  handles: Map<number, object>;
}

/** As much of a visit as a result needs. */
export type ResultVisit = Pick<HostVisit, "pending" | "handles" | "encodeAnswer">;

/** Bytes of arguments a service of the platform takes. */
const MAXIMUM_ARGUMENT_BYTES = 64 * 2 ** 20;

export class HostDoor {
  readonly #load: HostModules;
  readonly #modules = new Map<
    string,
    { definition: HostModuleDefinition; exports: Record<string, unknown> }
  >();
  #lastPending = 0;
  #lastHandle = 0;

  constructor(hostModules: HostModules) {
    this.#load = hostModules;
  }

  /** A number for a promise given out to a guest, unique within the worker. */
  nextPendingId(): number {
    return ++this.#lastPending;
  }

  /** Imports a host module for an alias. Rejects when it or one of its named exports is not there. */
  async open(definition: HostModuleDefinition): Promise<void> {
    const loaded = await this.#load.load(definition.specifier);
    const exports = definition.exports === "all" ? withDefaultsMembers(loaded) : loaded;
    if (definition.exports !== "all") {
      for (const name of definition.exports) {
        if (!Object.hasOwn(exports, name)) {
          throw new Error(`The module "${definition.specifier}" has no export "${name}".`);
        }
      }
    }
    this.#modules.set(definition.alias, { definition, exports });
  }

  /** What of a module the guest sees: functions by name, and values that can cross. */
  describeModule(alias: string): { functionNames: string[]; values: Record<string, unknown> } {
    const found = this.#modules.get(alias);
    const functionNames: string[] = [];
    const values: Record<string, unknown> = {};
    if (!found) return { functionNames, values };
    const { definition, exports } = found;
    const names = definition.exports === "all" ? Object.keys(exports) : definition.exports;
    for (const name of names) {
      const value = exports[name];
      if (typeof value === "function") functionNames.push(name);
      else if (definition.exports !== "all" || canCross(value)) values[name] = value;
    }
    return { functionNames, values };
  }

  /** Puts several values into a sandbox; their addresses, alive as long as the sandbox is not reset. */
  place(sandbox: Sandbox, values: readonly unknown[]): Address[] {
    const owner = placeArray(sandbox, encodeArray(values, "exports"));
    const elements = sandbox.heap.word(sandbox.heap.pointer(owner) + ObjectLayout.second);
    return values.map((_, index) => elements + index * VALUE_BYTES);
  }

  /** A call of the guest. Returns a new engine value, or an exception of the guest's realm. */
  call(sandbox: Sandbox, count: number, args: Address, visit: HostVisit): Address {
    const { heap } = sandbox;
    heap.refresh();
    const at = (index: number): Address => (index < count ? args + index * VALUE_BYTES : 0);
    // The engine looks at the limits every few thousand steps: what the guest does in between stays inside.
    if (visit.isOver()) return sandbox.throwError("Error", "The run has ended.");
    try {
      switch (heap.number(args)) {
        case HostOperation.armTimer:
          visit.armTimer(heap.number(at(1)));
          return 0;
        case HostOperation.console:
          visit.console(at(1), at(2));
          return 0;
        case HostOperation.uncaught:
          visit.uncaught(at(1));
          return 0;
        case HostOperation.commonjs:
          return visit.commonjsBody(heap.text(at(1), 1024));
        case HostOperation.callHost:
          visit.hostCalled(false);
          return callHost(sandbox, visit, heap.text(at(1), 1024), at(2));
        case HostOperation.callHostSync:
          visit.hostCalled(false);
          return callHostSync(sandbox, visit, heap.text(at(1), 1024), at(2));
        case HostOperation.file:
          visit.fileCalled();
          return callHost(sandbox, visit, FILE_CALL + heap.text(at(1), 16), at(2));
        case HostOperation.fileSync:
          visit.fileCalled();
          return callHostSync(sandbox, visit, FILE_CALL + heap.text(at(1), 16), at(2));
        case HostOperation.request:
          return this.#request(sandbox, visit, heap.text(at(1), 16), at(2));
        case HostOperation.platform:
          return platformResult(sandbox, heap.text(at(1), 64), at(2), visit);
        case HostOperation.callModule: {
          const target = this.#moduleFunction(heap.text(at(1), 1024), heap.text(at(2), 1024));
          return this.#invoke(sandbox, visit, target.call, target.self, at(3), target.definition);
        }
        case HostOperation.callHandle: {
          const target = this.#handleMethod(visit, heap.number(at(1)), heap.text(at(2), 1024));
          return this.#invoke(sandbox, visit, target.call, target.self, at(3), target.definition);
        }
        default:
          throw new Error("The host knows no such operation.");
      }
    } catch (error) {
      return throwHostError(sandbox, error);
    }
  }

  /** Encodes what a promise given out by {@link HostVisit.pending} settled with. */
  encodeOutcome(visit: ResultVisit, outcome: { value: unknown } | { error: unknown }): HostReply {
    let bytes: Uint8Array;
    let succeeded = "value" in outcome;
    try {
      bytes =
        "value" in outcome
          ? visit.encodeAnswer(this.#result(visit, outcome.value, undefined), "result")
          : visit.encodeAnswer(describeHostError(outcome.error), "error");
    } catch (error) {
      bytes = encodeArray(describeHostError(error), "error");
      succeeded = false;
    }
    return { succeeded, payload: { bytes, buffers: NO_BUFFERS } };
  }

  #request(sandbox: Sandbox, visit: HostVisit, action: string, args: Address): Address {
    if (action === "open") visit.hostCalled(true);
    const { bytes, buffers } = visit.readArguments(args, "worker");
    const values = decodeValue(bytes, buffers) as unknown[];
    const result = this.#result(visit, visit.request(action, values), undefined);
    return placeResult(sandbox, visit, result);
  }

  #moduleFunction(
    alias: string,
    name: string,
  ): { call: HostFunction; self: object | undefined; definition: HostModuleDefinition } {
    const found = this.#modules.get(alias);
    const allowed =
      found && (found.definition.exports === "all" || found.definition.exports.includes(name));
    const target = allowed && Object.hasOwn(found.exports, name) ? found.exports[name] : undefined;
    if (!found || typeof target !== "function") {
      throw new Error(`Dependency "${alias}" has no function "${name}".`);
    }
    // A method of a CommonJS module's exports object may rely on being called as one.
    const main = found.exports["default"];
    const isMethod = typeof main === "object" && main !== null && Object.hasOwn(main, name);
    const self = isMethod ? main : undefined;
    return { call: target as HostFunction, self, definition: found.definition };
  }

  #handleMethod(
    visit: HostVisit,
    id: number,
    name: string,
  ): { call: HostFunction; self: object; definition: HostModuleDefinition } {
    const self = visit.handles.get(id);
    const definition = self && this.#definitionOf.get(self);
    if (!self || !definition || !handleMethods(self, definition)?.includes(name)) {
      throw new Error(`There is no method "${name}" on this handle.`);
    }
    return { call: (self as Record<string, HostFunction>)[name] as HostFunction, self, definition };
  }

  readonly #definitionOf = new WeakMap<object, HostModuleDefinition>();
  readonly #handleIds = new WeakMap<object, number>();

  #invoke(
    sandbox: Sandbox,
    visit: HostVisit,
    call: HostFunction,
    self: object | undefined,
    args: Address,
    definition: HostModuleDefinition,
  ): Address {
    visit.hostCalled(true);
    const { bytes, buffers } = visit.readArguments(args, "worker");
    const values = decodeValue(bytes, buffers) as unknown[];
    let returned: unknown;
    try {
      returned = Reflect.apply(call, self, values);
    } catch (error) {
      // What it says is an answer as well, which may be too large.
      visit.encodeAnswer(describeHostError(error), "error");
      throw error;
    }
    return placeResult(sandbox, visit, this.#result(visit, returned, definition));
  }

  /** A host function's result as the guest's side of the door takes it. */
  #result(
    visit: ResultVisit,
    value: unknown,
    definition: HostModuleDefinition | undefined,
  ): unknown[] {
    if (typeof value !== "object" || value === null) return [HostResult.value, value];
    if (value instanceof Promise) {
      const id = this.nextPendingId();
      visit.pending(id, value);
      return [HostResult.pending, id];
    }
    const methods = definition && handleMethods(value, definition);
    if (definition === undefined || methods === undefined) return [HostResult.value, value];
    let id = this.#handleIds.get(value);
    if (id === undefined) {
      id = ++this.#lastHandle;
      this.#handleIds.set(value, id);
      this.#definitionOf.set(value, definition);
    }
    visit.handles.set(id, value);
    return [HostResult.handle, id, methods];
  }
}

/**
 * The exports of a module, and the members of its default export. Those are what a CommonJS module
 * exports, of which analysis finds only some by name.
 */
function withDefaultsMembers(exports: Record<string, unknown>): Record<string, unknown> {
  const { default: main, "module.exports": _same, ...named } = exports;
  if ((typeof main !== "object" && typeof main !== "function") || main === null) return exports;
  const members = Object.entries(Object.getOwnPropertyDescriptors(main)).flatMap(
    // Nothing is read from accessors, which could do anything.
    ([name, { enumerable, value }]) => (enumerable === true ? [[name, value as unknown]] : []),
  );
  return { ...(Object.fromEntries(members) as Record<string, unknown>), ...named, default: main };
}

/** The arguments of a call, read out of the sandbox. */
function argumentBytes(sandbox: Sandbox, args: Address): Uint8Array {
  return readPayload(sandbox, args, MAXIMUM_ARGUMENT_BYTES, false).bytes;
}

/** The same, with large buffers beside the bytes unless they must be in them. */
export function readPayload(
  sandbox: Sandbox,
  args: Address,
  maximumBytes: number,
  beside = true,
): Payload {
  const writer = new ByteWriter();
  writeValue(sandbox.heap, args, writer, { root: "args", maximumBytes, beside });
  return writer.written;
}

/** What a call of host code returned at once. */
function placeResult(sandbox: Sandbox, visit: HostVisit, result: unknown[]): Address {
  // A promise's number is no answer yet.
  const isPending = result[0] === HostResult.pending;
  const encode = isPending ? encodeArray : visit.encodeAnswer.bind(visit);
  return placeArray(sandbox, encode(result, "result"));
}

function callHost(sandbox: Sandbox, visit: HostVisit, name: string, args: Address): Address {
  const id = visit.callHost(name, visit.readArguments(args, "parent"));
  return placeArray(sandbox, encodeArray([HostResult.pending, id], "result"));
}

function callHostSync(sandbox: Sandbox, visit: HostVisit, name: string, args: Address): Address {
  const reply = visit.callHostSync(name, visit.readArguments(args, "parent"));
  if (typeof reply === "string") return sandbox.throwError("TypeError", reply);
  return placeSyncReply(sandbox, reply);
}

/** `[succeeded, reply]` for the guest's side of a synchronous call. */
function placeSyncReply(sandbox: Sandbox, { succeeded, payload }: HostReply): Address {
  const reply = placeArray(sandbox, payload.bytes, payload.buffers);
  const pair = placeArray(sandbox, encodeArray([succeeded, null], "reply"));
  const elements = sandbox.heap.word(sandbox.heap.pointer(pair) + ObjectLayout.second);
  // The reply's reference moves into the pair's second element.
  sandbox.copyValue(reply, elements + VALUE_BYTES);
  return pair;
}

type HostFunction = (...args: unknown[]) => unknown;

/**
 * The methods a guest may call on a host object, or undefined when it crosses as data. Plain
 * objects, arrays and everything the value forms know are data.
 */
function handleMethods(value: object, definition: HostModuleDefinition): string[] | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || isPlatformData(value))
    return undefined;
  const name = (value.constructor as { name?: string } | undefined)?.name ?? "";
  if (definition.handles === "all") return publicMethods(prototype as object);
  if (Object.hasOwn(definition.handles, name)) return definition.handles[name];
  throw new Error(
    `The host returned an instance of ${name || "a class"}, which cannot enter a sandbox as data. ` +
      `Name the methods guests may call in the dependency's handles: { ${name || "ClassName"}: ["method"] }.`,
  );
}

/** Methods of a class's own prototype that are neither its constructor nor marked private. */
function publicMethods(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => {
    if (name === "constructor" || name.startsWith("_")) return false;
    return typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === "function";
  });
}

function isPlatformData(value: object): boolean {
  return (
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean
  );
}

function canCross(value: unknown): boolean {
  try {
    encodeArray([value], "value");
    return true;
  } catch {
    return false;
  }
}

/** Name, message and code: never the stack, never the object. */
function describeHostError(error: unknown): [string, string, string | undefined] {
  if (!(error instanceof Error)) return ["Error", String(error), undefined];
  const code: unknown = (error as { code?: unknown }).code;
  return [error.name, error.message, typeof code === "string" ? code : undefined];
}

function throwHostError(sandbox: Sandbox, error: unknown): Address {
  if (error instanceof RefusedValueError) return sandbox.throwError("TypeError", error.message);
  // The engine's own error, of its own realm: what it means for the run is seen when nobody catches it.
  if (error instanceof GuestDecodeError)
    return sandbox.instance.exports.QTS_Throw(sandbox.anchors.context, error.thrown);
  if (error instanceof SandboxMemoryError)
    return sandbox.throwError("InternalError", "out of memory");
  const [name, message, code] = describeHostError(error);
  return sandbox.throwError(name, message, code);
}

/** A service of the platform. It is no call of the host: it does nothing that could not be done again. */
function platformResult(sandbox: Sandbox, name: string, args: Address, visit: HostVisit): Address {
  const service = platformService(name);
  let result: unknown;
  try {
    result = service(decodeValue(argumentBytes(sandbox, args)) as unknown[], visit);
  } catch (error) {
    if (name !== "clone" || !(error instanceof RefusedValueError)) throw error;
    const refused = error.message.replace(/^args\[0\]/, "value");
    result = [
      refused.replace(/, which cannot leave the sandbox\..*$/, ", which cannot be cloned."),
    ];
  }
  return placeArray(sandbox, encodeArray([HostResult.value, result], "result"));
}
