/** Checks that groups of options share. All throw `invalid-argument`. */
import { SkepError } from "../errors.ts";
import { nearestName } from "../registry/names.ts";

/** Timers of the platforms count milliseconds in 31 bits. */
export const MAXIMUM_MS: number = 2 ** 31 - 1;
/** Below this the engine itself does not fit. */
const MINIMUM_MEMORY_BYTES = 2 ** 20;
/** The engine was built for 2 GiB of memory, less what it has before its heap starts. */
const MAXIMUM_MEMORY_BYTES = 2 ** 31 - 8 * 2 ** 20;

export function group(
  value: unknown,
  label: string,
  keys: readonly string[],
): Record<string, unknown> {
  if (value === undefined) return {};
  checkKeys(value, label, keys);
  return value as Record<string, unknown>;
}

export function checkKeys(value: unknown, label: string, keys: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${label}: options must be an object.`);
  }
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    const suggestion = nearestName(key, keys);
    throw invalid(
      `${label}: there is no option "${key}". ` +
        (suggestion === undefined
          ? `The options are ${keys.filter((name) => name !== "host").join(", ")}.`
          : `Did you mean "${suggestion}"?`),
    );
  }
}

export function memory(value: unknown, label: string, fallback: number): number {
  return whole(value, label, fallback, { min: MINIMUM_MEMORY_BYTES, max: MAXIMUM_MEMORY_BYTES });
}

export function milliseconds(value: unknown, label: string, fallback: number): number {
  return whole(value, label, fallback, { min: 1, max: MAXIMUM_MS });
}

export function whole(
  value: unknown,
  label: string,
  fallback: number,
  range: { min: number; max: number },
): number {
  if (value === undefined) return fallback;
  const { min, max } = range;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  const upper = max >= Number.MAX_SAFE_INTEGER ? "" : ` and at most ${max}`;
  const lower = min <= Number.MIN_SAFE_INTEGER ? "" : ` of at least ${min}`;
  throw invalid(`${label} must be a whole number${lower}${upper}, not ${display(value)}.`);
}

export function display(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

export function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
