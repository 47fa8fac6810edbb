/** Values as text, in the form of Node's `util.inspect`; bounded in depth, entries and length. */

const MAXIMUM_DEPTH = 20;
const MAXIMUM_ENTRIES = 100;
const MAXIMUM_TEXT = 10_000;
/** What is longer than this is broken over lines. */
const LINE_LENGTH = 72;
/** Characters after which nothing more is looked at: the text is cut behind them anyway. */
const BUDGET = 20_000;

/** One value; objects nested deeper than `depth` are only named. */
export function inspect(value: unknown, depth: number): string {
  return new Inspection(Math.min(depth, MAXIMUM_DEPTH)).show(value, 0);
}

class Inspection {
  readonly #depth: number;
  readonly #path = new Set<object>();
  #budget = BUDGET;
  #circular: object | undefined;

  constructor(depth: number) {
    this.#depth = depth;
  }

  show(value: unknown, level: number): string {
    const text =
      typeof value === "object" && value !== null ? this.#object(value, level) : leaf(value);
    this.#budget -= text.length;
    return text;
  }

  #object(value: object, level: number): string {
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    }
    if (value instanceof RegExp) return String(value);
    if (value instanceof Number || value instanceof String || value instanceof Boolean) {
      const primitive: unknown = value.valueOf();
      return `[${brand(value)}: ${leaf(primitive)}]`;
    }
    if (this.#path.has(value)) {
      this.#circular = value;
      return "[Circular *1]";
    }
    if (value instanceof Error) return this.#error(value, level);
    if (level > this.#depth) return Array.isArray(value) ? "[Array]" : `[${brand(value)}]`;
    if (this.#budget <= 0) return "…";
    this.#path.add(value);
    const text = this.#members(value, level + 1);
    this.#path.delete(value);
    return this.#circular === value ? `<ref *1> ${text}` : text;
  }

  #error(error: Error, level: number): string {
    const title = `${error.name}: ${error.message}`;
    const { stack } = error;
    const frames = stack === undefined || stack === "" || stack === title ? "" : stack.trimEnd();
    const text =
      frames === ""
        ? level === 0
          ? title
          : `[${title}]`
        : frames.startsWith(title)
          ? frames
          : `${title}\n${frames}`;
    if (error.cause === undefined) return text;
    this.#path.add(error);
    const cause = level > this.#depth ? "[Error]" : this.show(error.cause, level + 1);
    this.#path.delete(error);
    return `${text} {\n  [cause]: ${cause.replaceAll("\n", "\n  ")}\n}`;
  }

  #members(value: object, level: number): string {
    if (Array.isArray(value)) return this.#array(value, level);
    if (value instanceof Map) {
      const entries = [...value].map(
        ([key, item]) =>
          () =>
            `${this.show(key, level)} => ${this.show(item, level)}`,
      );
      return this.#braced(`Map(${value.size}) `, entries, "{", "}");
    }
    if (value instanceof Set) {
      const entries = [...value].map((item: unknown) => () => this.show(item, level));
      return this.#braced(`Set(${value.size}) `, entries, "{", "}");
    }
    if (value instanceof ArrayBuffer) {
      const bytes = Array.from(new Uint8Array(value).subarray(0, 50), (byte) =>
        byte.toString(16).padStart(2, "0"),
      );
      const rest = value.byteLength - bytes.length;
      const more = rest > 0 ? ` ... ${rest} more byte${rest === 1 ? "" : "s"}` : "";
      return `ArrayBuffer { [Uint8Contents]: <${bytes.join(" ")}${more}>, byteLength: ${value.byteLength} }`;
    }
    if (ArrayBuffer.isView(value)) return this.#view(value, level);
    return this.#braced("", this.#properties(Object.keys(value), value, level), "{", "}");
  }

  #array(value: unknown[], level: number): string {
    // By keys: a sparse array may claim any length, and its holes are not walked one by one.
    const keys = Object.keys(value);
    const isIndex = (key: string): boolean => /^\d+$/.test(key);
    const items: (() => string)[] = [];
    let next = 0;
    const skipTo = (index: number): void => {
      const holes = index - next;
      if (holes > 0) items.push(() => `<${holes} empty item${holes === 1 ? "" : "s"}>`);
      next = index;
    };
    for (const key of keys) {
      if (!isIndex(key) || items.length >= MAXIMUM_ENTRIES) break;
      skipTo(Number(key));
      items.push(() => this.show(value[Number(key)], level));
      next++;
    }
    if (items.length < MAXIMUM_ENTRIES) skipTo(value.length);
    const names = keys.filter((key) => !isIndex(key));
    const shown = [...items, ...this.#properties(names, value, level)];
    return this.#braced("", shown, "[", "]", value.length - next);
  }

  #view(value: ArrayBufferView, level: number): string {
    if (value instanceof DataView) {
      return `DataView { byteLength: ${value.byteLength}, byteOffset: ${value.byteOffset} }`;
    }
    const items = value as unknown as ArrayLike<unknown>;
    const { length } = items;
    const entries = Array.from(
      { length: Math.min(length, MAXIMUM_ENTRIES) },
      (_, index) => () => this.show(items[index], level),
    );
    return this.#braced(`${brand(value)}(${length}) `, entries, "[", "]", length - entries.length);
  }

  #properties(names: string[], value: object, level: number): (() => string)[] {
    return names.map((name) => () => {
      const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
      return `${key}: ${this.show((value as Record<string, unknown>)[name], level)}`;
    });
  }

  #braced(
    prefix: string,
    entries: (() => string)[],
    open: string,
    close: string,
    beyond: number = 0,
  ): string {
    if (entries.length === 0) return `${prefix}${open}${close}`;
    const shown: string[] = [];
    for (const entry of entries) {
      if (shown.length === MAXIMUM_ENTRIES || this.#budget <= 0) break;
      shown.push(entry());
    }
    const rest = entries.length - shown.length + beyond;
    if (rest > 0) shown.push(`... ${rest} more item${rest === 1 ? "" : "s"}`);
    const line = `${prefix}${open} ${shown.join(", ")} ${close}`;
    if (line.length <= LINE_LENGTH + prefix.length && !line.includes("\n")) return line;
    const lines = shown.map((text) => `  ${text.replaceAll("\n", "\n  ")}`);
    return `${prefix}${open}\n${lines.join(",\n")}\n${close}`;
  }
}

function leaf(value: unknown): string {
  if (typeof value === "string") return quoted(value.slice(0, MAXIMUM_TEXT));
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** In single quotes, unless others need no escapes. */
function quoted(text: string): string {
  const quote = !text.includes("'")
    ? "'"
    : !text.includes('"')
      ? '"'
      : text.includes("`")
        ? "'"
        : "`";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")
    .replaceAll("\r", "\\r");
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function brand(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
