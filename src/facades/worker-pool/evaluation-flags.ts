/** The engine's own options of an evaluation, as far as workers know them. */
import type { ContextEvalOptions } from "quickjs-emscripten-core";
import { checkKeys } from "../../pool/option-checks.ts";
import { invalid } from "./options.ts";

/** Bits of the engine's flags. */
const MODULE = 1;
const TYPE_MASK = 3;
/** Scripts in workers may await anyway. */
const ASYNC = 1 << 7;

const KEYS = ["type", "strict", "strip", "compileOnly", "backtraceBarrier"] as const;

/** How workers are to understand the text. Throws `invalid-argument` for what only a context can. */
export function evaluationType(
  options: number | ContextEvalOptions | undefined,
): "script" | "module" {
  if (options === undefined) return "script";
  if (typeof options === "number") {
    const type = options & TYPE_MASK;
    if (type > MODULE || (options & ~(TYPE_MASK | ASYNC)) !== 0) throw refused(`flags ${options}`);
    return type === MODULE ? "module" : "script";
  }
  checkKeys(options, "evalCodeAsync", KEYS);
  for (const key of KEYS) if (key !== "type" && options[key] === true) throw refused(key);
  const { type = "global" } = options;
  if (type !== "global" && type !== "module") {
    throw invalid(`type must be "global" or "module", not ${String(type)}.`);
  }
  return type === "module" ? "module" : "script";
}

function refused(what: string): Error {
  return invalid(
    `evalCodeAsync: the engine's ${what} can only be had in the local context: pass ` +
      'evalStrategy: "local".',
  );
}
