/** Whether what an image's header says can be what it should be. */
import type { ImageState } from "../protocol/control.ts";

const PAGE_BYTES = 65_536;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A sandbox's memory but for its bytes, within so many pages. */
export function isImageHeader(
  value: unknown,
  pages: unknown,
): value is Omit<ImageState, "bytes"> & Record<string, unknown> {
  if (!isRecord(value) || !isAmount(pages)) return false;
  const { stretches, gaps, anchors, heapEnd } = value;
  const limit = pages * PAGE_BYTES;
  if (!isAmount(heapEnd) || heapEnd > limit) return false;
  return areParts(stretches, limit) && areParts(gaps, limit) && areAnchors(anchors);
}

/** Stretches of memory, in order and apart from each other. */
function areParts(value: unknown, limit: number): boolean {
  if (!Array.isArray(value)) return false;
  let at = 0;
  for (const part of value as unknown[]) {
    if (!Array.isArray(part) || part.length !== 2 || !part.every(isAmount)) return false;
    const [start, length] = part as [number, number];
    if (start < at || start + length > limit) return false;
    at = start + length;
  }
  return true;
}

/** Addresses are the engine's business: wrong ones end in the sandbox's own memory. */
function areAnchors(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { functions, helpers, ...addresses } = value;
  if (!isRecord(helpers) || !Object.values(helpers).every(isAmount)) return false;
  if (!Object.values(addresses).every(isAmount) || !Array.isArray(functions)) return false;
  return functions.every(
    (entry: unknown) =>
      Array.isArray(entry) &&
      isAmount(entry[0]) &&
      isRecord(entry[1]) &&
      typeof entry[1]["name"] === "string" &&
      isAmount(entry[1]["value"]),
  );
}
