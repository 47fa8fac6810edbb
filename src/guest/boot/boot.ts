/**
 * The first guest source a sandbox runs: one function that takes the door to the host, installs
 * the globals and returns the helpers the host calls. It is in every image.
 */
import { CONSOLE } from "../apis/console.ts";
import { TIMERS } from "../apis/timers.ts";
import { HOST } from "./host.ts";
import { INTRINSICS } from "./intrinsics.ts";
import { LINK } from "./link.ts";
import { MODULES } from "./modules.ts";

/** The guest functions (and the `context` value) the host keeps hold of. */
export const HELPERS = [
  "link",
  "newError",
  "settleHost",
  "runTimer",
  "importModule",
  "setConstant",
  "setDependency",
  "exposeModule",
  "concealModule",
  "exportNames",
  "commonjs",
  "hostModule",
  "plainNamespace",
  "context",
] as const;

export type HelperName = (typeof HELPERS)[number];

export const BOOT_SOURCE: string = `(function (host) {
  "use strict";
  ${INTRINSICS}${LINK}${HOST}${MODULES}${TIMERS}${CONSOLE}
  return { __proto__: null, ${HELPERS.join(", ")} };
})`;
