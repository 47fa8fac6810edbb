import { messageOf, SkepError } from "../errors.ts";
import type { Payload } from "../protocol/payload.ts";
import { brandOf, isDetached, viewName, withArticle } from "../protocol/values/brands.ts";

/**
 * Detaches buffers that a caller gives up together with a run's arguments, as the platform would.
 * Returns the arguments: what was encoded without being copied is in them as the buffers moved to.
 *
 * @throws SkepError `not-marshallable` for anything but ArrayBuffers with their content; then none is detached.
 */
export function detach(transfer: readonly unknown[], args: Payload): Payload {
  for (const [index, buffer] of transfer.entries()) {
    const what = obstacle(buffer);
    if (what === undefined) continue;
    throw new SkepError(
      "not-marshallable",
      `transfer[${index}] is ${what}: only ArrayBuffers can be handed over to a sandbox.`,
    );
  }
  const given = [...new Set(transfer as ArrayBuffer[])];
  let moved: ArrayBuffer[];
  try {
    moved = structuredClone(given, { transfer: given });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new SkepError("not-marshallable", `transfer cannot be handed over: ${reason}`, { cause });
  }
  const buffers = args.buffers.map((buffer) => moved[given.indexOf(buffer)] ?? buffer);
  return { bytes: args.bytes, buffers };
}

function obstacle(subject: unknown): string | undefined {
  if (subject === null || subject === undefined) return String(subject);
  if (typeof subject !== "object") return `a ${typeof subject}`;
  if (ArrayBuffer.isView(subject)) return withArticle(viewName(subject));
  const brand = brandOf(subject);
  if (brand !== "ArrayBuffer") return brand === undefined ? "an object" : withArticle(brand);
  return isDetached(subject as ArrayBuffer) ? "a detached ArrayBuffer" : undefined;
}
