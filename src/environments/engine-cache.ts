import type { EngineName } from "../protocol/control.ts";

type EngineLoader = (engine: EngineName) => Promise<WebAssembly.Module>;

/** Compiles each engine once for all pools. A failure is not remembered: it may be passing. */
export function loadOnce(load: EngineLoader): EngineLoader {
  const loading = new Map<EngineName, Promise<WebAssembly.Module>>();
  return (engine) => {
    const known = loading.get(engine);
    if (known !== undefined) return known;
    const module = load(engine).catch((error: unknown) => {
      loading.delete(engine);
      throw error;
    });
    loading.set(engine, module);
    return module;
  };
}
