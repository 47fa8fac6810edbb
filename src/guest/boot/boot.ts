/**
 * The first guest source a sandbox runs: one function that takes the door to the host, installs
 * the globals and returns the helpers the host calls. It is in every image.
 */
import { SHARED_NAMES } from "../apis/web-apis.ts";
import { HOST } from "./host.ts";
import { INTRINSICS } from "./intrinsics.ts";
import { LINK } from "./link.ts";
import { MODULES } from "./modules.ts";

/** The guest functions (and the `context` value) the host keeps hold of. */
export const HELPERS = [
  "link",
  "newError",
  "settleHost",
  "abandonHost",
  "forgetVariable",
  "defineHost",
  "runTimer",
  "importModule",
  "setConstant",
  "setGlobals",
  "setDependency",
  "exposeModule",
  "concealModules",
  "exportNames",
  "commonjsExports",
  "hostModule",
  "plainNamespace",
  "context",
] as const;

export type HelperName = (typeof HELPERS)[number];

/** Helpers that other sources bring. */
const ELSEWHERE: ReadonlySet<string> = /*#__PURE__*/ new Set(["runTimer", "importModule"]);

/** A helper that needs to keep its file name, which `import()` asks for. */
export const IMPORT_SOURCE = "(alias) => import(alias)";

/** What web APIs are given is under `shared`. */
export const BOOT_SOURCE: string = `(function (host) {
  "use strict";
  ${INTRINSICS}${LINK}${HOST}${MODULES}
  // Without timers there is never one to run; with them, this is replaced.
  function runTimer() { return false; }
  const shared = { __proto__: null, runTimer, ${SHARED_NAMES.split(" ").join(", ")} };
  return { __proto__: null, shared, ${HELPERS.filter((name) => !ELSEWHERE.has(name)).join(", ")} };
})`;
