/**
 * A sandbox: one engine instance with one runtime and one context. It is either booted (a
 * template, from which images are taken) or filled from an image and never booted at all.
 */
import type { Address, Engine, EngineInstance } from "./engine.ts";
import { INITIAL_PAGES, PAGE_BYTES } from "./engine.ts";
import { noteWrite } from "./written-pages.ts";
import { WEB_API_NAMES } from "../protocol/web-apis.ts";
import { type GuestApiName, webApiSources } from "./apis/web-apis.ts";
import { BOOT_SOURCE, HELPERS, type HelperName, IMPORT_SOURCE } from "./boot/boot.ts";
import { HeapReader } from "./marshal/heap-reader.ts";
import {
  ObjectLayout,
  PromiseLayout,
  RuntimeLayout,
  Tag,
  VALUE_BYTES,
} from "./marshal/heap-layout.ts";
import { ClassId } from "./marshal/heap-layout.ts";

/**
 * Fixed addresses of a booted sandbox. They are part of its image: booting is deterministic and an
 * image brings the whole heap, so they hold in every sandbox the image is copied into.
 */
export interface Anchors {
  runtime: Address;
  context: Address;
  /** `ARGUMENT_SLOTS` engine values and as many pointers to them, for calls. */
  argumentValues: Address;
  argumentPointers: Address;
  /** Where inbound bytes up to `INPUT_BYTES` are put, and the guest's ArrayBuffer over it. */
  input: Address;
  inputBuffer: Address;
  /** A word for the engine to write a context's address to. */
  contextOut: Address;
  /** The library's own guest functions, captured before any other guest code ran. */
  helpers: Record<HelperName, Address>;
  /** Registered functions by id. */
  functions: Map<number, FunctionAnchor>;
  /** The value of the `context` parameter. */
  contextArgument: Address;
}

export interface FunctionAnchor {
  name: string;
  value: Address;
  contextIndex: number | undefined;
}

/** What a sandbox asks of whoever runs it. */
export interface SandboxHooks {
  /** Called every few thousand operations of guest code; true ends the code that is running. */
  interrupt(): boolean;
  /** The guest's library called the host; args are engine values. Returns a value's address or 0. */
  hostCall(count: number, args: Address): Address;
  /** The source of a module on the allowlist. */
  moduleSource(name: string): ModuleSource;
  /** The allowlisted module an import means; a string under `refusal` explains why none. */
  resolveModule(base: string, name: string): { name: string } | { refusal: string };
}

/** A module's text, an exception from getting it, or undefined where there is no such module. */
export type ModuleSource = string | { thrown: Address } | undefined;

export const ARGUMENT_SLOTS = 64;
export const INPUT_BYTES = 4096;

/** Engine flags for evaluations. */
export const EvalFlag = {
  script: 0,
  module: 1,
  /** Top-level await: the completion is a promise for `{ value }`. */
  async: 128,
} as const;

/** An evaluation or call ended: a value, or what was thrown. Addresses of engine values. */
export type Completion = { threw: boolean; value: Address };

/** The engine itself failed while running guest code; the sandbox must not be used any more. */
export class SandboxTrapError extends Error {
  override name = "SandboxTrapError";
}

export class Sandbox {
  readonly heap: HeapReader;
  /** Set once the sandbox was booted or filled from an image. */
  anchors!: Anchors;
  hooks: SandboxHooks = IDLE_HOOKS;
  /** The engine trapped: its stack was not unwound, so nothing in it can be relied on. */
  poisoned = false;
  /** Its memory was once what an unsigned image says: it cannot be reset for certain. */
  isForeign = false;
  /** The image it was made from last. */
  madeFrom: object | undefined;
  /** A block that keeps a small heap small; nobody writes to it. */
  ballast: { start: Address; end: Address } = { start: 0, end: 0 };

  private constructor(
    readonly engine: Engine,
    readonly instance: EngineInstance,
    readonly maximumPages: number,
  ) {
    this.heap = new HeapReader(instance.memory);
    instance.setCallbacks({
      callFunction: (_asyncify, _context, _receiver, count, args) =>
        this.hooks.hostCall(count, args),
      shouldInterrupt: () => this.hooks.interrupt(),
      loadModuleSource: (_asyncify, _runtime, _context, name) => this.#loadModule(name),
      normalizeModule: (_asyncify, _runtime, _context, base, name) =>
        this.#resolveModule(base, name),
      freeHostRef: () => undefined,
    });
  }

  /** An empty sandbox: boot it or fill it from an image. */
  static async create(engine: Engine, maximumPages: number = INITIAL_PAGES): Promise<Sandbox> {
    return new Sandbox(engine, await engine.instantiate(maximumPages), maximumPages);
  }

  /** Starts the engine and runs the library's guest code. The same steps each time: see {@link Anchors}. */
  boot(stackBytes: number, webApis: readonly GuestApiName[] = WEB_API_NAMES): void {
    const { exports, malloc } = this.instance;
    const runtime = exports.QTS_NewRuntime();
    const context = exports.QTS_NewContext(runtime, 0);
    exports.QTS_RuntimeSetMaxStackSize(runtime, stackBytes);
    exports.QTS_RuntimeEnableInterruptHandler(runtime);
    exports.QTS_RuntimeEnableModuleLoader(runtime, 1);
    const argumentValues = malloc(ARGUMENT_SLOTS * VALUE_BYTES);
    const argumentPointers = malloc(ARGUMENT_SLOTS * 4);
    const input = malloc(INPUT_BYTES);
    const pointers = new Uint32Array(this.instance.memory.buffer, argumentPointers, ARGUMENT_SLOTS);
    for (let index = 0; index < ARGUMENT_SLOTS; index++)
      pointers[index] = argumentValues + index * VALUE_BYTES;
    new Uint8Array(this.instance.memory.buffer, input, INPUT_BYTES).fill(0);
    this.adopt({
      runtime,
      context,
      argumentValues,
      argumentPointers,
      input,
      inputBuffer: exports.QTS_NewArrayBuffer(context, input, INPUT_BYTES),
      contextOut: malloc(4),
      helpers: {} as Record<HelperName, Address>,
      functions: new Map(),
      contextArgument: 0,
    });
    this.#captureHelpers(webApis);
  }

  /** Uses the addresses of the image that was copied in. */
  adopt(anchors: Anchors): void {
    this.anchors = anchors;
    this.heap.runtime = anchors.runtime;
  }

  #captureHelpers(webApis: readonly GuestApiName[]): void {
    const { exports } = this.instance;
    const { context } = this.anchors;
    const trampoline = exports.QTS_NewFunction(context, "host", 1, false, 1);
    const installed = this.#runOwnCode(BOOT_SOURCE, trampoline);
    this.free(trampoline);
    const shared = this.heap.findData(this.heap.pointer(installed), "shared");
    for (const source of webApiSources(webApis)) this.free(this.#runOwnCode(source, shared));
    this.anchors.helpers.importModule = this.evaluate(
      IMPORT_SOURCE,
      "skep:boot",
      EvalFlag.script,
    ).value;
    for (const name of HELPERS) {
      if (name === "importModule") continue;
      const table = name === "runTimer" ? shared : installed;
      const found = this.heap.findData(this.heap.pointer(table), name);
      this.anchors.helpers[name] = exports.QTS_DupValuePointer(context, found);
    }
    this.anchors.contextArgument = this.anchors.helpers.context;
    this.free(installed);
  }

  /** Evaluates a function of the library and calls it. */
  #runOwnCode(source: string, argument: Address): Address {
    // Its source text and positions would be copied with every call.
    this.#stripFunctions(STRIP_SOURCE_AND_POSITIONS);
    const install = this.evaluate(source, "skep:boot", EvalFlag.script);
    this.#stripFunctions(STRIP_NOTHING);
    if (install.threw) throw new Error("The sandbox's own code does not evaluate.");
    this.copyValue(argument, this.anchors.argumentValues);
    const installed = this.call(install.value, 1);
    if (installed.threw) throw new Error("The sandbox's own code does not run.");
    this.free(install.value);
    this.heap.refresh();
    return installed.value;
  }

  /** Sets what the engine leaves out of functions it compiles from now on. */
  #stripFunctions(flags: number): void {
    const { runtime } = this.anchors;
    new Uint8Array(this.instance.memory.buffer)[runtime + RuntimeLayout.stripFlags] = flags;
  }

  /** Copies the 8 bytes of an engine value; the copy is only valid while the original lives. */
  copyValue(from: Address, to: Address): void {
    const { words } = this.heap;
    words[to / 4] = words[from / 4] ?? 0;
    words[to / 4 + 1] = words[from / 4 + 1] ?? 0;
    if (this.instance.tracksWrites) noteWrite(this.heap.bytes, to, VALUE_BYTES);
  }

  /** Calls a guest function with what stands in the argument slots. */
  call(
    callee: Address,
    count: number,
    pointers: Address = this.anchors.argumentPointers,
  ): Completion {
    const { exports } = this.instance;
    const receiver = exports.QTS_GetUndefined();
    return this.#complete(() =>
      exports.QTS_Call(this.anchors.context, callee, receiver, count, pointers),
    );
  }

  /** Evaluates source text. */
  evaluate(source: string, filename: string, flags: number): Completion {
    const { instance } = this;
    const count = instance.textBytes(source);
    const text = instance.malloc(count + 1);
    if (text === 0) throw new SandboxMemoryError(count);
    instance.writeText(source, text, count + 1);
    const completion = this.#complete(() =>
      instance.exports.QTS_Eval(this.anchors.context, text, count, filename, 0, flags),
    );
    instance.free(text);
    return completion;
  }

  /**
   * Runs queued jobs (promise reactions) until none is left or one is interrupted.
   * Returns what an interrupted or failed job threw.
   */
  runJobs(): Completion | undefined {
    const { exports } = this.instance;
    const { runtime, contextOut } = this.anchors;
    while (exports.QTS_IsJobPending(runtime) !== 0) {
      const completion = this.#complete(() =>
        exports.QTS_ExecutePendingJob(runtime, JOBS_PER_SLICE, contextOut),
      );
      if (completion.threw) return completion;
      this.free(completion.value);
      // Jobs too small to be interrupted themselves still count against the run's limits.
      if (this.hooks.interrupt()) return { threw: true, value: 0 };
    }
    return undefined;
  }

  /** The state of the promise at `value`; undefined when it is not a promise. */
  promise(
    value: Address,
  ): { state: "pending" | "fulfilled" | "rejected"; result: Address } | undefined {
    const { heap } = this;
    heap.refresh();
    if (heap.tag(value) !== Tag.object) return undefined;
    const object = heap.pointer(value);
    if (heap.classId(object) !== ClassId.promise) return undefined;
    const data = heap.word(object + ObjectLayout.data);
    const state = heap.word(data + PromiseLayout.state);
    return {
      state: state === 0 ? "pending" : state === 1 ? "fulfilled" : "rejected",
      result: data + PromiseLayout.result,
    };
  }

  /** Releases a value returned by this class. Sandboxes about to be reset need not bother. */
  free(value: Address): void {
    if (value !== 0) this.instance.exports.QTS_FreeValuePointer(this.anchors.context, value);
  }

  /** Sets how much stack the engine lets guest code use, until the next reset. */
  limitStack(bytes: number): void {
    this.instance.exports.QTS_RuntimeSetMaxStackSize(this.anchors.runtime, bytes);
  }

  /** Where the engine refuses to let the stack grow further down to. */
  get stackLimit(): Address {
    return this.heap.word(this.anchors.runtime + RuntimeLayout.stackLimit);
  }

  #complete(enter: () => Address): Completion {
    let value: Address;
    try {
      value = enter();
    } catch (cause) {
      this.poisoned = true;
      throw new SandboxTrapError("The engine trapped.", { cause });
    }
    this.heap.refresh();
    if (this.heap.tag(value) !== Tag.exception) return { threw: false, value };
    return {
      threw: true,
      value: this.instance.exports.QTS_ResolveException(this.anchors.context, value),
    };
  }

  /** Why the last import was refused: the engine asks to load the empty name next. */
  #refusal: string | undefined;

  #loadModule(name: string): Address {
    const source = name === "" ? undefined : this.hooks.moduleSource(name);
    if (typeof source === "string") return this.#ownedText(source);
    if (source === undefined) {
      this.throwError("ReferenceError", this.#refusal ?? `There is no module "${name}".`);
    } else this.instance.exports.QTS_Throw(this.anchors.context, source.thrown);
    this.#refusal = undefined;
    return 0;
  }

  #resolveModule(base: string, name: string): Address {
    const resolved = this.hooks.resolveModule(base, name);
    // The engine goes on after a refusal here, so loading is where it is turned into an error.
    if ("refusal" in resolved) this.#refusal = resolved.refusal;
    return this.#ownedText("refusal" in resolved ? "" : resolved.name);
  }

  /** Makes the call the guest is in throw an error of the guest's own realm. */
  throwError(name: string, message: string, code?: string): Address {
    const { context, argumentValues } = this.anchors;
    this.copyValue(this.newText(name), argumentValues);
    this.copyValue(this.newText(message), argumentValues + VALUE_BYTES);
    if (code !== undefined) this.copyValue(this.newText(code), argumentValues + 2 * VALUE_BYTES);
    const made = this.call(this.anchors.helpers.newError, code === undefined ? 2 : 3);
    return this.instance.exports.QTS_Throw(context, made.value);
  }

  /** A guest string. */
  newText(text: string): Address {
    const literal = this.evaluate(JSON.stringify(text), "skep:text", EvalFlag.script);
    return literal.value;
  }

  #ownedText(text: string): Address {
    const { instance } = this;
    const count = instance.textBytes(text);
    const address = instance.malloc(count + 1);
    if (address !== 0) instance.writeText(text, address, count + 1);
    return address;
  }
}

/** The sandbox's memory cannot take what the host wants to put in. */
export class SandboxMemoryError extends Error {
  override name = "SandboxMemoryError";
  constructor(readonly bytes: number) {
    super(`The sandbox's memory cannot take ${bytes} more bytes.`);
  }
}

/** The engine's flags for what is left out of compiled functions. */
const STRIP_NOTHING = 0;
const STRIP_SOURCE_AND_POSITIONS = 2;

/** Promise jobs run between two looks at the limits. */
const JOBS_PER_SLICE = 1000;

const IDLE_HOOKS: SandboxHooks = {
  interrupt: () => false,
  hostCall: () => 0,
  moduleSource: () => undefined,
  resolveModule: (_base, name) => ({ refusal: `There is no module "${name}".` }),
};

/** The pages a sandbox may grow to for a heap of `memoryBytes` above `heapStart`. */
export function pagesFor(heapStart: Address, memoryBytes: number): number {
  return Math.max(INITIAL_PAGES, Math.ceil((heapStart + memoryBytes) / PAGE_BYTES));
}
