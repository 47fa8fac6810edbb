/** By which names the functions of a deployment are found. */
import { SkepError } from "../../errors.ts";
import { nearestName } from "../../registry/names.ts";
import type { ExportedFunction } from "./inspection.ts";

/**
 * Functions by name: `src/add.js:sum`, and `sum` alone where only one script exports it. These are
 * the only names there are: nothing is looked up in an object.
 */
export class FunctionNames {
  readonly #qualified: ReadonlyMap<string, ExportedFunction>;
  readonly #bare = new Map<string, ExportedFunction[]>();

  constructor(functions: readonly ExportedFunction[]) {
    this.#qualified = new Map(functions.map((item) => [qualifiedName(item), item]));
    for (const item of functions) {
      this.#bare.set(item.name, [...(this.#bare.get(item.name) ?? []), item]);
    }
  }

  /** Throws `unknown-function`, or `invalid-argument` for a name that several scripts export. */
  find(name: string): ExportedFunction {
    const qualified = this.#qualified.get(name);
    if (qualified !== undefined) return qualified;
    const candidates = this.#bare.get(name) ?? [];
    const [only, ...others] = candidates;
    if (only === undefined) throw this.#unknown(name);
    if (others.length === 0) return only;
    throw new SkepError(
      "invalid-argument",
      `Several scripts export "${name}". Say which: ${candidates.map(qualifiedName).join(", ")}.`,
    );
  }

  #unknown(name: string): SkepError {
    const shown = name.slice(0, 100);
    const nearest = nearestName(shown, this.#bare.keys());
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return new SkepError("unknown-function", `There is no function "${shown}".${hint}`);
  }
}

function qualifiedName({ script, name }: ExportedFunction): string {
  return `${script.slice(2)}:${name}`;
}
