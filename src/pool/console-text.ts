/** Console values as one line of text: for people, so bounded and without control characters. */

const MAXIMUM_LENGTH = 10_000;
const MAXIMUM_DEPTH = 4;
const MAXIMUM_ENTRIES = 100;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** The values as `console.log` would show them. Tabs and line breaks stay. */
export function consoleText(values: readonly unknown[]): string {
  const text = values
    .map((value) => (typeof value === "string" ? value : show(value, 0, new Set())))
    .join(" ");
  const shown = text.length > MAXIMUM_LENGTH ? `${text.slice(0, MAXIMUM_LENGTH)}…` : text;
  // A terminal would obey escape sequences.
  return shown.replace(
    CONTROL_CHARACTER,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function show(value: unknown, depth: number, path: Set<object>): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAXIMUM_LENGTH));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  if (path.has(value)) return "[Circular]";
  if (depth === MAXIMUM_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  path.add(value);
  const text = showObject(value, depth + 1, path);
  path.delete(value);
  return text;
}

function showObject(value: object, depth: number, path: Set<object>): string {
  if (Array.isArray(value)) {
    return `[${list(value, (item) => show(item, depth, path))}]`;
  }
  if (value instanceof Map) {
    const entries = list(
      value,
      ([key, item]) => `${show(key, depth, path)} => ${show(item, depth, path)}`,
    );
    return `Map(${value.size}) {${entries}}`;
  }
  if (value instanceof Set) {
    return `Set(${value.size}) {${list(value, (item) => show(item, depth, path))}}`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
  if (ArrayBuffer.isView(value)) {
    const name = Object.prototype.toString.call(value).slice(8, -1);
    if (value instanceof DataView) return `DataView(${value.byteLength})`;
    const items = value as unknown as ArrayLike<unknown> & Iterable<unknown>;
    return `${name}(${items.length}) [${list(items, String)}]`;
  }
  const entries = list(
    Object.entries(value),
    ([key, item]) =>
      `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${show(item, depth, path)}`,
  );
  return entries === "" ? "{}" : `{ ${entries} }`;
}

function list<Item>(items: Iterable<Item>, showItem: (item: Item) => string): string {
  const shown: string[] = [];
  for (const item of items) {
    if (shown.length === MAXIMUM_ENTRIES) {
      shown.push("…");
      break;
    }
    shown.push(showItem(item));
  }
  return shown.join(", ");
}
