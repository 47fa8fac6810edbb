/** Most pools define what is there already, and do without the part that gets the rest. */
import { loadPart } from "../load-part.ts";
import type * as Sourcing from "./sourcing.ts";

export function loadSourcing(): Promise<typeof Sourcing> {
  return loadPart("sources from elsewhere, or with types", () => import("./sourcing.ts"));
}
