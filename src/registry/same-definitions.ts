/** Whether what is defined is what was defined before: then there is nothing to install. */
import type { DependencyDefinition } from "../protocol/control.ts";
import { HOST_FUNCTION_KEYS, type PreparedHost } from "./host-functions.ts";

export function sameHost(left: PreparedHost | undefined, right: PreparedHost): boolean {
  return left !== undefined && HOST_FUNCTION_KEYS.every((key) => left[key] === right[key]);
}

export function sameBytes(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left?.length === right.length && left.every((byte, index) => byte === right[index]);
}

export function sameDependency(
  left: DependencyDefinition | undefined,
  right: DependencyDefinition,
): boolean {
  return left !== undefined && JSON.stringify(left) === JSON.stringify(right);
}
