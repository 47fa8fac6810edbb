/**
 * The host's side of the one door guest code has: see `boot/host.ts` for the guest's. What comes
 * through is data read from the sandbox's memory; what goes back is data too. Host functions and
 * objects are reached by number and own name, never handed over.
 */
import { SkepError } from "../errors.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import { FILE_CALL } from "../protocol/file-calls.ts";
import { NO_BUFFERS, type Payload } from "../protocol/payload.ts";
import { encodeArray } from "../protocol/values/inbound.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import { HostOperation, HostResult } from "./boot/host.ts";
import type { Address } from "./engine.ts";
import {
  functionOfModule,
  handleMethods,
  type HostFunction,
  type HostModule,
  type HostModuleDefinition,
  type HostTarget,
  instanceRefusal,
  isThenable,
  loadHostModule,
  methodOf,
} from "./host-module.ts";
import type { HostModules } from "./host-modules.ts";
import { ObjectLayout, VALUE_BYTES } from "./marshal/heap-layout.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import { GuestDecodeError, placeArray } from "./marshal/place-inbound.ts";
import { platformService } from "./platform-services.ts";
import { type Sandbox, SandboxMemoryError } from "./sandbox.ts";

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
  /** What `require` gives for what is not there yet, see `template-modules.ts`. */
  required(alias: string): Address;
  /** What a callback threw that nobody waits for. */
  uncaught(thrown: Address): void;
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
  /** Host modules of a template that is being built; absent where those count that are in use. */
  modules?: ReadonlyMap<string, HostModule>;
  /** Host objects this sandbox holds handles of. */
  handles: Map<number, object>;
}

/** As much of a visit as a result needs. */
export type ResultVisit = Pick<HostVisit, "pending" | "handles" | "encodeAnswer">;

/** Bytes of arguments a service of the platform takes. */
const MAXIMUM_ARGUMENT_BYTES = 64 * 2 ** 20;

export class HostDoor {
  readonly #load: HostModules;
  readonly #modules = new Map<string, HostModule>();
  #lastPending = 0;
  #lastHandle = 0;

  constructor(hostModules: HostModules) {
    this.#load = hostModules;
  }

  /** A number for a promise given out to a guest, unique within the worker. */
  nextPendingId(): number {
    return ++this.#lastPending;
  }

  /** Imports a host module. Rejects when it or one of its named exports is not there. */
  load(definition: HostModuleDefinition): Promise<HostModule> {
    return loadHostModule(this.#load, definition);
  }

  /** From now on guests call these. */
  adopt(modules: ReadonlyMap<string, HostModule>): void {
    for (const [alias, module] of modules) this.#modules.set(alias, module);
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
    if (visit.isOver()) return refuse(sandbox);
    try {
      switch (heap.number(args)) {
        case HostOperation.armTimer:
          visit.armTimer(heap.number(at(1)));
          return 0;
        case HostOperation.console:
          visit.console(at(1), at(2));
          return 0;
        case HostOperation.require:
          return visit.required(heap.text(at(1), 1024));
        case HostOperation.uncaught:
          visit.uncaught(at(1));
          return 0;
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
          const alias = heap.text(at(1), 1024);
          const name = heap.text(at(2), 1024);
          const method = count > 4 ? heap.text(at(4), 1024) : undefined;
          const module = (visit.modules ?? this.#modules).get(alias);
          const target = functionOfModule(alias, module, name, method);
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
          ? encodeResult(visit.encodeAnswer.bind(visit), this.#settled(visit, outcome.value))
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

  #handleMethod(visit: HostVisit, id: number, name: string): HostTarget {
    const self = visit.handles.get(id);
    const definition = self && this.#definitionOf.get(self);
    const call = self && definition && methodOf(self, name, definition);
    if (!definition || !call) throw new Error(`There is no method "${name}" on this handle.`);
    return { call, self, definition };
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

  #settled(visit: ResultVisit, value: unknown): unknown[] {
    return value instanceof Answer
      ? this.#result(visit, value.value, value.definition)
      : this.#result(visit, value, undefined);
  }

  /** A host function's result as the guest's side of the door takes it. */
  #result(
    visit: ResultVisit,
    value: unknown,
    definition: HostModuleDefinition | undefined,
  ): unknown[] {
    if (typeof value !== "object" || value === null) return [HostResult.value, value];
    const isPromise = value instanceof Promise;
    const methods = definition && !isPromise ? handleMethods(value, definition) : undefined;
    if (isPromise || (definition && methods === undefined && isThenable(value))) {
      const id = this.nextPendingId();
      visit.pending(
        id,
        Promise.resolve(value).then((answer) => new Answer(answer, definition)),
      );
      return [HostResult.pending, id];
    }
    if (definition === undefined) return [HostResult.value, value];
    if (methods === undefined) {
      const what = instanceRefusal(value);
      if (what !== undefined) throw new Error(`The host returned ${what}`);
      return [HostResult.value, value];
    }
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
  return placeArray(sandbox, encodeResult(encode, result));
}

/** What a promise of a host module came to; what may be called on it is the module's matter. */
class Answer {
  constructor(
    readonly value: unknown,
    readonly definition: HostModuleDefinition | undefined,
  ) {}
}

/** Encodes a result; what is said of its value does not tell of the list that it travels in. */
function encodeResult(
  encode: (values: readonly unknown[], root: "result") => Uint8Array,
  result: unknown[],
): Uint8Array {
  try {
    return encode(result, "result");
  } catch (error) {
    if (!(error instanceof SkepError) || error.code !== "not-marshallable") throw error;
    throw new TypeError(error.message.replace(/^result\[1\]/, "result"), { cause: error });
  }
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

/**
 * What the guest of a run that is over gets, which may ask ten thousand times until the engine looks:
 * an error of its own each time would take long, and memory.
 */
function refuse({ instance: { exports }, anchors }: Sandbox): Address {
  return exports.QTS_Throw(anchors.context, exports.QTS_GetUndefined());
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
