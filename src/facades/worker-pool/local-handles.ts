/** The operations on handles that a context offers, all of its local context. */
import type {
  QuickJSAsyncContext,
  QuickJSAsyncRuntime,
  QuickJSHandle,
  QuickJSPropertyKey,
  VmFunctionImplementation,
} from "quickjs-emscripten-core";
import type { HandleResult } from "./local-context.ts";
import { rawValue } from "./raw-handle.ts";

export abstract class LocalHandles {
  /** The local context. Throws where there is none, naming the operation. */
  protected abstract local(operation: string): QuickJSAsyncContext;

  get global(): QuickJSHandle {
    return this.local("global").global;
  }

  get runtime(): QuickJSAsyncRuntime {
    return this.local("runtime").runtime;
  }

  get undefined(): QuickJSHandle {
    return this.local("undefined").undefined;
  }

  get null(): QuickJSHandle {
    return this.local("null").null;
  }

  get true(): QuickJSHandle {
    return this.local("true").true;
  }

  get false(): QuickJSHandle {
    return this.local("false").false;
  }

  newObject(prototype?: QuickJSHandle): QuickJSHandle {
    return this.local("newObject").newObject(prototype);
  }

  newArray(): QuickJSHandle {
    return this.local("newArray").newArray();
  }

  newString(text: string): QuickJSHandle {
    return this.local("newString").newString(text);
  }

  newNumber(number: number): QuickJSHandle {
    return this.local("newNumber").newNumber(number);
  }

  newBigInt(number: bigint): QuickJSHandle {
    return this.local("newBigInt").newBigInt(number);
  }

  /** A function of the host. It stays in the local context: workers cannot call it. */
  newFunction(
    name: string,
    implementation: VmFunctionImplementation<QuickJSHandle>,
  ): QuickJSHandle {
    return this.local("newFunction").newFunction(name, implementation);
  }

  getString(handle: QuickJSHandle): string {
    return this.local("getString").getString(handle);
  }

  getNumber(handle: QuickJSHandle): number {
    return this.local("getNumber").getNumber(handle);
  }

  getBigInt(handle: QuickJSHandle): bigint {
    return this.local("getBigInt").getBigInt(handle);
  }

  getProp(handle: QuickJSHandle, key: QuickJSPropertyKey): QuickJSHandle {
    return this.local("getProp").getProp(handle, key);
  }

  setProp(handle: QuickJSHandle, key: QuickJSPropertyKey, value: QuickJSHandle): void {
    this.local("setProp").setProp(handle, key, value);
  }

  callFunction(
    callee: QuickJSHandle,
    thisValue: QuickJSHandle,
    ...args: QuickJSHandle[]
  ): HandleResult {
    return this.local("callFunction").callFunction(callee, thisValue, ...args);
  }

  /** The value of a handle, as the host has it. */
  dump(handle: QuickJSHandle): unknown {
    const raw = rawValue(handle);
    return raw === undefined ? this.local("dump").dump(handle) : raw.value;
  }

  typeof(handle: QuickJSHandle): string {
    const raw = rawValue(handle);
    return raw === undefined ? this.local("typeof").typeof(handle) : typeof raw.value;
  }
}
