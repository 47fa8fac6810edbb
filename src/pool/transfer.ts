import { SkepError } from "../errors.ts";

/**
 * Detaches buffers that a caller gives up together with a run's arguments. The arguments are
 * encoded by then; detaching is what the caller asked for, and frees the memory.
 *
 * @throws SkepError `not-marshallable` for anything but ArrayBuffers; then none is detached.
 */
export function detach(buffers: readonly unknown[]): void {
  for (const [index, buffer] of buffers.entries()) {
    if (Object.prototype.toString.call(buffer) === "[object ArrayBuffer]") continue;
    throw new SkepError(
      "not-marshallable",
      `transfer[${index}] is not an ArrayBuffer: only those can be handed over to a sandbox.`,
    );
  }
  try {
    structuredClone(null, { transfer: [...new Set(buffers as ArrayBuffer[])] });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SkepError("not-marshallable", `transfer cannot be handed over: ${reason}`, { cause });
  }
}
