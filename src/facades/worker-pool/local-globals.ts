/** What was put on the local context's global object: the part of it that workers can be given. */
import type { QuickJSAsyncContext } from "quickjs-emscripten-core";
import { encodeArguments } from "../../protocol/values/inbound.ts";
import { LocalOnlyError, type LocalValues } from "./local-values.ts";
import type { Globals } from "./tasks.ts";

/** A global as it is now. */
type Found = { name: string; isSame: boolean } & ({ value: unknown } | { isLocalOnly: true });

export interface LocalGlobalsNow {
  /** Values that workers are to have. */
  data: Globals;
  /** Names of what cannot leave the local context, such as functions. */
  localOnly: readonly string[];
}

export class LocalGlobals {
  readonly #context: QuickJSAsyncContext;
  readonly #values: LocalValues;
  /** What the bootstrap code has left: workers have it too. */
  readonly #known = new Map<string, string | undefined>();

  /** To be made when the bootstrap code has run. */
  constructor(context: QuickJSAsyncContext, values: LocalValues) {
    this.#context = context;
    this.#values = values;
    values.ask("photograph").dispose();
    for (const found of this.#find()) this.#known.set(found.name, printOf(found));
  }

  now(): LocalGlobalsNow {
    const data: Record<string, unknown> = {};
    const localOnly: string[] = [];
    for (const found of this.#find()) {
      const { name, isSame } = found;
      const known = this.#known.get(name);
      if ("isLocalOnly" in found) {
        if (!isSame) localOnly.push(name);
      } else if (known === undefined || known !== printOf(found)) data[name] = found.value;
    }
    return { data, localOnly };
  }

  #find(): Found[] {
    const context = this.#context;
    const values = this.#values;
    const found: Found[] = [];
    let name = "";
    let rest: { value: unknown } | { isLocalOnly: true } = { value: undefined };
    values.ask("globals").consume((list) =>
      values.list(list, (part, index) => {
        if (index % 3 === 0) name = context.getString(part);
        else if (index % 3 === 1) rest = this.#read(part);
        else found.push({ name, isSame: context.eq(part, context.true), ...rest });
      }),
    );
    return found;
  }

  #read(handle: Parameters<LocalValues["toHost"]>[0]): { value: unknown } | { isLocalOnly: true } {
    try {
      return { value: this.#values.toHost(handle) };
    } catch (error) {
      if (error instanceof LocalOnlyError) return { isLocalOnly: true };
      throw error;
    }
  }
}

/** The values that differ from those that were asked for before: a session keeps what it was given. */
export class GlobalsOfSession {
  readonly #sent = new Map<string, string | undefined>();

  changed(data: Globals): Globals | undefined {
    const changed = Object.entries(data).filter(([name, value]) => {
      const print = printOf({ value });
      const isKnown = print !== undefined && this.#sent.get(name) === print;
      this.#sent.set(name, print);
      return !isKnown;
    });
    return changed.length === 0 ? undefined : Object.fromEntries(changed);
  }
}

/** Equal for equal values; undefined where that cannot be told by text. */
function printOf(found: object): string | undefined {
  if (!("value" in found)) return undefined;
  const { bytes, buffers } = encodeArguments([found.value]);
  return buffers.length > 0 ? undefined : new TextDecoder("latin1").decode(bytes);
}
