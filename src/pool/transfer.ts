import { messageOf, SkepError } from "../errors.ts";
import type { Payload } from "../protocol/payload.ts";

/**
 * Detaches buffers that a caller gives up together with a run's arguments, as the platform would.
 * Returns the arguments: what was encoded without being copied is in them as the buffers moved to.
 *
 * @throws SkepError `not-marshallable` for anything but ArrayBuffers; then none is detached.
 */
export function detach(transfer: readonly unknown[], args: Payload): Payload {
  for (const [index, buffer] of transfer.entries()) {
    if (Object.prototype.toString.call(buffer) === "[object ArrayBuffer]") continue;
    throw new SkepError(
      "not-marshallable",
      `transfer[${index}] is not an ArrayBuffer: only those can be handed over to a sandbox.`,
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
