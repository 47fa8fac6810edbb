/** What stands in for handles where there is no local context: the values themselves. */
import type { QuickJSHandle } from "quickjs-emscripten-core";

class RawHandle {
  readonly alive = true;
  constructor(readonly value: unknown) {}
  /** There is nothing to be freed. */
  dispose(): void {}
  [Symbol.dispose](): void {}
}

/** A value that `dump()` gives back, and that can be disposed of as handles can. */
export function rawHandle(value: unknown): QuickJSHandle {
  return new RawHandle(value) as unknown as QuickJSHandle;
}

/** The value of a handle that {@link rawHandle} made; undefined of others. */
export function rawValue(handle: QuickJSHandle): { value: unknown } | undefined {
  return (handle as unknown) instanceof RawHandle ? { value: handle.value } : undefined;
}
