/**
 * The engine below everything: QuickJS as one WebAssembly instance per sandbox, driven through the
 * variant packages' own low-level interface. Addresses are plain numbers here; nothing outside
 * `guest/` sees one.
 */
import type { EngineName } from "../protocol/control.ts";
import { notesWrites, noteWrite } from "./written-pages.ts";

/** An address in an instance's memory. */
export type Address = number;

/** The engine's functions that skep uses. `Value*` is the address of an engine value. */
export interface EngineExports {
  QTS_NewRuntime(): Address;
  QTS_NewContext(runtime: Address, intrinsics: number): Address;
  QTS_RuntimeSetMaxStackSize(runtime: Address, bytes: number): void;
  QTS_RuntimeEnableInterruptHandler(runtime: Address): void;
  QTS_RuntimeEnableModuleLoader(runtime: Address, customNormalize: number): void;
  QTS_GetUndefined(): Address;
  QTS_GetGlobalObject(context: Address): Address;
  QTS_NewFunction(
    context: Address,
    name: string,
    length: number,
    isConstructor: boolean,
    id: number,
  ): Address;
  QTS_NewArrayBuffer(context: Address, bytes: Address, count: number): Address;
  QTS_Throw(context: Address, error: Address): Address;
  QTS_ResolveException(context: Address, value: Address): Address;
  QTS_FreeValuePointer(context: Address, value: Address): void;
  QTS_DupValuePointer(context: Address, value: Address): Address;
  QTS_Call(
    context: Address,
    callee: Address,
    receiver: Address,
    count: number,
    pointers: Address,
  ): Address;
  QTS_Eval(
    context: Address,
    source: Address,
    sourceBytes: number,
    filename: string,
    detectModule: number,
    flags: number,
  ): Address;
  QTS_IsJobPending(runtime: Address): number;
  QTS_ExecutePendingJob(runtime: Address, maximum: number, contextOut: Address): Address;
  QTS_bjson_encode(context: Address, value: Address): Address;
  QTS_bjson_decode(context: Address, bytes: Address): Address;
}

/** What the engine asks of the host, by instance. Addresses returned are owned by the engine. */
export interface EngineCallbacks {
  callFunction(
    asyncify: unknown,
    context: Address,
    receiver: Address,
    count: number,
    args: Address,
    id: number,
  ): Address;
  /** True ends the guest code that is running, and it cannot catch that. */
  shouldInterrupt(asyncify: unknown, runtime: Address): boolean;
  loadModuleSource(asyncify: unknown, runtime: Address, context: Address, name: string): Address;
  normalizeModule(
    asyncify: unknown,
    runtime: Address,
    context: Address,
    base: string,
    name: string,
  ): Address;
  freeHostRef(asyncify: unknown, runtime: Address, id: number): void;
}

/** One WebAssembly instance of the engine. */
export interface EngineInstance {
  readonly memory: WebAssembly.Memory;
  readonly exports: EngineExports;
  /** Whether it notes which pages it writes: see `written-pages.ts`. */
  readonly tracksWrites: boolean;
  /** Allocates a block that the caller is going to write to; 0 when there is no room. */
  readonly malloc: (count: number) => Address;
  readonly free: (address: Address) => void;
  /** Writes text as UTF-8, exact even for lone surrogates. */
  writeText(text: string, at: Address, capacity: number): void;
  textBytes(text: string): number;
  setCallbacks(callbacks: EngineCallbacks): void;
  /** True once the memory's hard maximum refused a growth; reset by the owner. */
  growthRefused: boolean;
}

/** What the variant packages export, as far as it is used; their types name every pointer. */
interface VariantModule {
  _malloc: (count: number) => Address;
  _free: (address: Address) => void;
  stringToUTF8(text: string, at: Address, capacity: number): void;
  lengthBytesUTF8(text: string): number;
  callbacks?: EngineCallbacks;
}
type VariantLoader = (options: object) => Promise<VariantModule>;
type VariantExports = new (module: VariantModule) => EngineExports;

/** Makes instances of one engine from its compiled module. */
export interface Engine {
  readonly name: EngineName;
  /** An instance whose memory can never grow beyond `maximumPages` pages of 64 KiB. */
  instantiate(maximumPages: number): Promise<EngineInstance>;
}

/** Pages the engine's memory starts with; it cannot be instantiated with fewer. */
export const INITIAL_PAGES = 256;
export const PAGE_BYTES = 65_536;

/** Loads an engine's JavaScript part; its compiled part comes from the parent. */
export async function loadEngine(name: EngineName, module: WebAssembly.Module): Promise<Engine> {
  const [load, Exports] = await variant(name);
  return makeEngine(name, module, load, Exports, false);
}

/** As {@link loadEngine}, of the build that notes its writes. Rejects when it does not. */
export async function loadTracking(module: WebAssembly.Module): Promise<Engine> {
  const [load, Exports] = await variant("sync");
  const engine = makeEngine("sync", module, load, Exports, true);
  if (notesWrites(await engine.instantiate(INITIAL_PAGES))) return engine;
  throw new Error("This engine build does not note what it writes.");
}

function makeEngine(
  name: EngineName,
  module: WebAssembly.Module,
  load: VariantLoader,
  Exports: VariantExports,
  tracksWrites: boolean,
): Engine {
  return {
    name,
    async instantiate(maximumPages) {
      const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: maximumPages });
      const watch = { refused: false };
      watchGrowth(memory, watch);
      const variantModule = await load({
        wasmMemory: memory,
        instantiateWasm(
          imports: WebAssembly.Imports,
          succeed: (instance: WebAssembly.Instance) => void,
        ) {
          const instance = new WebAssembly.Instance(module, imports);
          succeed(instance);
          return instance.exports;
        },
        // What the engine prints itself (never what guests log) has no reader here.
        print: ignore,
        printErr: ignore,
      });
      const exports = new Exports(variantModule);
      return {
        memory,
        exports,
        tracksWrites,
        malloc: tracksWrites ? noting(memory, variantModule._malloc) : variantModule._malloc,
        free: variantModule._free,
        writeText: (text, at, capacity) => writeText(variantModule, memory, text, at, capacity),
        textBytes: (text) => variantModule.lengthBytesUTF8(text),
        setCallbacks(callbacks) {
          variantModule.callbacks = callbacks;
        },
        get growthRefused() {
          return watch.refused;
        },
        set growthRefused(refused) {
          watch.refused = refused;
        },
      };
    },
  };
}

/** What is allocated from outside is about to be written from outside. */
function noting(
  memory: WebAssembly.Memory,
  malloc: (count: number) => Address,
): (count: number) => Address {
  return (count) => {
    const block = malloc(count);
    if (block !== 0) noteWrite(new Uint8Array(memory.buffer), block, count);
    return block;
  };
}

// Literal specifiers, so that bundlers see them and each engine becomes a chunk of its own.
async function variant(name: EngineName): Promise<[VariantLoader, VariantExports]> {
  if (name === "asyncify") {
    const [module, ffi] = await Promise.all([
      import("@jitl/quickjs-wasmfile-release-asyncify/emscripten-module"),
      import("@jitl/quickjs-wasmfile-release-asyncify/ffi"),
    ]);
    return [
      module.default as unknown as VariantLoader,
      ffi.QuickJSAsyncFFI as unknown as VariantExports,
    ];
  }
  const [module, ffi] = await Promise.all([
    import("@jitl/quickjs-wasmfile-release-sync/emscripten-module"),
    import("@jitl/quickjs-wasmfile-release-sync/ffi"),
  ]);
  return [module.default as unknown as VariantLoader, ffi.QuickJSFFI as unknown as VariantExports];
}

/** Notes when the maximum refuses a growth: the host's own evidence of exhausted memory. */
function watchGrowth(memory: WebAssembly.Memory, watch: { refused: boolean }): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    try {
      const before = grow(pages);
      watch.refused = false;
      return before;
    } catch (error) {
      watch.refused = true;
      throw error;
    }
  };
}

const encoder = /*#__PURE__*/ new TextEncoder();

function writeText(
  module: VariantModule,
  memory: WebAssembly.Memory,
  text: string,
  at: Address,
  capacity: number,
): void {
  const target = new Uint8Array(memory.buffer, at, capacity);
  const { read, written } = encoder.encodeInto(text, target);
  // The platform's encoder replaces lone surrogates, the engine's own keeps them; it is slower.
  if (read < text.length || /\p{Surrogate}/u.test(text)) module.stringToUTF8(text, at, capacity);
  else target[written] = 0;
}

function ignore(): void {}
