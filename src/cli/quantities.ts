/** Durations and sizes as people write them: `500ms`, `1.5s`, `32mb`. */
import { UsageError } from "./usage-error.ts";

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const BYTES: Readonly<Record<string, number>> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/** Milliseconds. Throws {@link UsageError} for what is no duration, or has no unit. */
export function parseDuration(option: string, text: string): number {
  return parseQuantity(option, text, MILLISECONDS, "a duration such as 500ms, 2s or 1m");
}

/** Bytes: a kb has 1,024. Throws {@link UsageError} for what is no size, or has no unit. */
export function parseSize(option: string, text: string): number {
  return parseQuantity(option, text.toLowerCase(), BYTES, "a size such as 64kb, 32mb or 1gb");
}

/** A whole number. Throws {@link UsageError}. */
export function parseCount(option: string, text: string, min: number, max: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw new UsageError(
    `${option} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}.`,
  );
}

function parseQuantity(
  option: string,
  text: string,
  units: Readonly<Record<string, number>>,
  wanted: string,
): number {
  const [, count, unit = ""] = /^(\d{1,12}(?:\.\d{1,6})?)([a-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const quantity = factor === undefined ? Number.NaN : Number(count) * factor;
  if (Number.isInteger(quantity) && quantity > 0) return quantity;
  throw new UsageError(`${option} must be ${wanted}, not ${JSON.stringify(text)}.`);
}
