/** What is said of a value that cannot leave its sandbox. */

import { propertyName, shortened } from "../../protocol/values/places.ts";

/** A value that cannot leave the sandbox. */
export class RefusedValueError extends Error {
  override name = "RefusedValueError";
  constructor(
    readonly code: "not-marshallable" | "output-exceeded",
    message: string,
  ) {
    super(message);
  }
}

/** The steps to a value as source text would take them: `[0].onClick`. */
export function pathText(steps: readonly (string | number)[]): string {
  return shortened(steps.map(stepText)).join("");
}

function stepText(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  if (/^\.(?:keys|values)\(\)\[\d+\]$|^\.(?:buffer|cause)$/.test(step)) return step;
  return propertyName(step);
}
