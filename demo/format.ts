/** Numbers and guest values as short text. */

const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const shortNumber = new Intl.NumberFormat("en", { notation: "compact" });

/** At most four characters up to a million: 999, 1.2K, 12K. */
export function short(value: number): string {
  return shortNumber.format(value);
}

export function count(value: number): string {
  return wholeNumber.format(value);
}

export function plural(value: number, word: string): string {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

export function milliseconds(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} µs`;
  if (value < 10_000) return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

export function bytes(value: number): string {
  if (value < 2 ** 20) return `${Math.round(value / 1024)} KiB`;
  return `${(value / 2 ** 20).toFixed(1)} MiB`;
}

const MAXIMUM_LENGTH = 400;
const MAXIMUM_DEPTH = 4;
const MAXIMUM_ENTRIES = 20;

/** A value as a guest returned it, as bounded text that reads like source. */
export function preview(value: unknown): string {
  const text = render(value, 0, new Set());
  return text.length <= MAXIMUM_LENGTH ? text : `${text.slice(0, MAXIMUM_LENGTH - 1)}…`;
}

function render(value: unknown, depth: number, parents: Set<object>): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAXIMUM_LENGTH));
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "Date(invalid)" : `Date(${value.toISOString()})`;
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (parents.has(value)) return "[circular]";
  if (depth === MAXIMUM_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  parents.add(value);
  const text = renderEntries(value, (inner) => render(inner, depth + 1, parents));
  parents.delete(value);
  return text;
}

function renderEntries(value: object, inner: (value: unknown) => string): string {
  if (value instanceof Map) {
    const entries = [...value].slice(0, MAXIMUM_ENTRIES);
    const shown = entries.map(([key, item]) => `${inner(key)} → ${inner(item)}`);
    return `Map { ${list(shown, value.size)} }`;
  }
  if (value instanceof Set) {
    return `Set { ${list([...value].slice(0, MAXIMUM_ENTRIES).map(inner), value.size)} }`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
  if (Array.isArray(value)) {
    return `[${list(value.slice(0, MAXIMUM_ENTRIES).map(inner), value.length)}]`;
  }
  if (ArrayBuffer.isView(value)) {
    const name = value.constructor.name;
    if (value instanceof DataView) return `${name}(${value.byteLength})`;
    const items = Array.from(value as Uint8Array).slice(0, MAXIMUM_ENTRIES);
    return `${name} [${list(items.map(String), (value as Uint8Array).length)}]`;
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return "{}";
  const shown = keys
    .slice(0, MAXIMUM_ENTRIES)
    .map((key) => `${key}: ${inner((value as Record<string, unknown>)[key])}`);
  return `{ ${list(shown, keys.length)} }`;
}

function list(shown: string[], total: number): string {
  const more = total - shown.length;
  return more > 0 ? `${shown.join(", ")}, … ${more} more` : shown.join(", ");
}
