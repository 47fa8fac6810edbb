/** Gets the source of what is not JavaScript yet; how is loaded when there is something to get. */
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type {
  CheckedDefinitions,
  FunctionOrder,
  PreparedDefinitions,
  PreparedFunction,
} from "../registry/definitions.ts";
import { isOrder } from "../registry/dependency-order.ts";
import type { SourceText } from "../registry/source-text.ts";

/** Whether there is nothing left to get. */
export function isComplete(checked: CheckedDefinitions): checked is PreparedDefinitions {
  return !checked.dependencies.some(isOrder) && !checked.functions.some(isFunctionOrder);
}

export function isFunctionOrder(
  definition: PreparedFunction | FunctionOrder,
): definition is FunctionOrder {
  return "fields" in definition;
}

/** Definitions with all sources there, and without types. Rejects with why not. */
export async function sourceDefinitions(
  platform: Platform,
  checked: CheckedDefinitions,
): Promise<PreparedDefinitions> {
  if (isComplete(checked)) return checked;
  const { readyDefinitions } = await loadSourcing();
  return readyDefinitions(platform, checked);
}

/** A pool's bootstrap without types, and as it was given where it had some. */
export async function sourceBootstrap(given: string | SourceText | undefined): Promise<Bootstrap> {
  if (typeof given !== "object") return { bootstrap: given };
  // Now, because what the caller changes afterwards is too late.
  const copy = { ...given };
  const { readyBootstrap } = await loadSourcing();
  return readyBootstrap(copy);
}

export interface Bootstrap {
  bootstrap: string | undefined;
  givenBootstrap?: string;
}

const loadSourcing = () =>
  loadPart("sources from elsewhere, or with types", () => import("./source-definitions.ts"));
