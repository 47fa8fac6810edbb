/** Values as text, in the form of Node's `util.inspect`; bounded in depth, entries and length. */
import { Description } from "../protocol/values/description.ts";
import { layOut, LINE_COLUMNS } from "./inspect-layout.ts";
import { quoted } from "./quoted-text.ts";

const MAXIMUM_DEPTH = 20;
/** Elements of arrays and collections that are shown. */
const MAXIMUM_ENTRIES = 100;
const MAXIMUM_TEXT = 10_000;
/** Bytes of a buffer that are shown. */
const MAXIMUM_BYTES = 50;
/** Texts that are longer than this are broken where their lines end. */
const UNBROKEN_TEXT = 16;
/** Characters after which nothing more is looked at: the text is cut behind them anyway. */
const BUDGET = 20_000;

/** One value; objects nested deeper than `depth` are only named. */
export function inspect(value: unknown, depth: number): string {
  return new Inspection(Math.min(depth, MAXIMUM_DEPTH)).show(value, 0);
}

/** What an object has inside, before it is set in lines. */
interface Parts {
  base?: string;
  open?: string;
  close?: string;
  entries: (() => string)[];
  /** Entries that were left out. */
  beyond?: number;
  /** The elements, where those are what the entries begin with. */
  elements?: ArrayLike<unknown>;
}

class Inspection {
  readonly #depth: number;
  readonly #path = new Set<object>();
  /** The numbers of objects that contain themselves. */
  readonly #circular = new Map<object, number>();
  #budget = BUDGET;
  #indentation = 0;
  /** The level of the object that was shown last. */
  #lastLevel = 0;

  constructor(depth: number) {
    this.#depth = depth;
  }

  show(value: unknown, level: number): string {
    const text =
      typeof value === "object" && value !== null ? this.#object(value, level) : this.#leaf(value);
    this.#budget -= text.length;
    return text;
  }

  #leaf(value: unknown): string {
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "bigint") return `${value}n`;
    return Object.is(value, -0) ? "-0" : String(value);
  }

  #text(value: string): string {
    const beyond = value.length - MAXIMUM_TEXT;
    const rest = beyond > 0 ? `... ${beyond} more character${beyond === 1 ? "" : "s"}` : "";
    const text = value.slice(0, MAXIMUM_TEXT);
    const fits = text.length <= Math.max(UNBROKEN_TEXT, LINE_COLUMNS - this.#indentation - 4);
    if (fits || !text.includes("\n")) return quoted(text) + rest;
    const lines = text.split(/(?<=\n)/).map((line) => quoted(line));
    return lines.join(` +\n${" ".repeat(this.#indentation + 2)}`) + rest;
  }

  #object(value: object, level: number): string {
    if (value instanceof Description) return value.text;
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    }
    if (value instanceof RegExp) return String(value);
    if (isBoxed(value)) return `[${brand(value)}: ${this.#leaf(value.valueOf())}]`;
    if (this.#path.has(value)) {
      const number = this.#circular.get(value) ?? this.#circular.size + 1;
      this.#circular.set(value, number);
      return `[Circular *${number}]`;
    }
    const parts = this.#parts(value, level + 1);
    if (parts.entries.length === 0 && (parts.beyond ?? 0) === 0) {
      return parts.base ?? `${parts.open ?? "{"}${parts.close ?? "}"}`;
    }
    if (level > this.#depth) return `[${Array.isArray(value) ? "Array" : brand(value)}]`;
    if (this.#budget <= 0) return "…";
    return this.#whole(value, parts, level + 1);
  }

  #whole(value: object, parts: Parts, level: number): string {
    const { base = "", open = "{", close = "}", entries, beyond = 0, elements } = parts;
    this.#path.add(value);
    this.#lastLevel = level;
    const texts: string[] = [];
    for (const entry of entries) {
      if (this.#budget <= 0) break;
      this.#indentation += 2;
      texts.push(entry());
      this.#indentation -= 2;
    }
    this.#path.delete(value);
    const rest = entries.length - texts.length + beyond;
    if (rest > 0) texts.push(`... ${rest} more item${rest === 1 ? "" : "s"}`);
    const number = this.#circular.get(value);
    const reference = number === undefined ? [] : [`<ref *${number}>`];
    const hasRest = texts.length > MAXIMUM_ENTRIES;
    return layOut({
      base: [...reference, ...(base === "" ? [] : [base])].join(" "),
      open,
      close,
      texts,
      columns: elements && { isNumeric: isNumeric(elements, texts.length), hasRest },
      levelsBelow: this.#lastLevel - level,
      indentation: this.#indentation,
    });
  }

  #parts(value: object, level: number): Parts {
    if (Array.isArray(value)) return this.#array(value, level);
    if (value instanceof Map) {
      const entries = [...value].map(
        ([key, item]) =>
          () =>
            `${this.show(key, level)} => ${this.show(item, level)}`,
      );
      return { open: `Map(${value.size}) {`, ...firstOf(entries) };
    }
    if (value instanceof Set) {
      const entries = [...value].map((item: unknown) => () => this.show(item, level));
      return { open: `Set(${value.size}) {`, ...firstOf(entries) };
    }
    if (value instanceof ArrayBuffer) return bufferParts(value);
    if (ArrayBuffer.isView(value)) return this.#view(value, level);
    if (value instanceof Error) return this.#error(value, level);
    return { entries: this.#properties(Object.keys(value), value, level) };
  }

  #error(error: Error, level: number): Parts {
    const title = `${error.name}: ${error.message}`;
    const { stack } = error;
    const frames = stack === undefined || stack === "" || stack === title ? "" : stack.trimEnd();
    const isTop = level === 1;
    const text =
      frames === ""
        ? isTop
          ? title
          : `[${title}]`
        : frames.startsWith(title)
          ? frames
          : `${title}\n${frames}`;
    const base = text.replaceAll("\n", `\n${" ".repeat(this.#indentation)}`);
    const { cause } = error;
    if (cause === undefined) return { base, entries: [] };
    return { base, entries: [() => `[cause]: ${this.show(cause, level)}`] };
  }

  #array(value: unknown[], level: number): Parts {
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
      if (items.length >= MAXIMUM_ENTRIES) break;
      items.push(() => this.show(value[Number(key)], level));
      next++;
    }
    if (items.length < MAXIMUM_ENTRIES) skipTo(value.length);
    const beyond = value.length - next;
    if (beyond > 0) items.push(() => `... ${beyond} more item${beyond === 1 ? "" : "s"}`);
    const names = keys.filter((key) => !isIndex(key));
    const entries = [...items, ...this.#properties(names, value, level)];
    return { open: "[", close: "]", entries, elements: value };
  }

  #view(value: ArrayBufferView, level: number): Parts {
    if (value instanceof DataView) {
      const { byteLength, byteOffset, buffer } = value;
      const members = { byteLength, byteOffset, buffer };
      return {
        open: "DataView {",
        entries: this.#properties(Object.keys(members), members, level),
      };
    }
    const elements = value as unknown as ArrayLike<unknown>;
    const { length } = elements;
    const entries = Array.from(
      { length: Math.min(length, MAXIMUM_ENTRIES) },
      (_, index) => () => this.show(elements[index], level),
    );
    const beyond = length - entries.length;
    return { open: `${brand(value)}(${length}) [`, close: "]", entries, beyond, elements };
  }

  #properties(names: string[], value: object, level: number): (() => string)[] {
    return names.map((name) => () => {
      const shown = this.show((value as Record<string, unknown>)[name], level);
      return `${propertyName(name)}: ${shown}`;
    });
  }
}

function propertyName(name: string): string {
  if (name === "__proto__") return "['__proto__']";
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name);
}

function firstOf(entries: (() => string)[]): { entries: (() => string)[]; beyond: number } {
  const beyond = Math.max(0, entries.length - MAXIMUM_ENTRIES);
  return { entries: entries.slice(0, MAXIMUM_ENTRIES), beyond };
}

function bufferParts(value: ArrayBuffer): Parts {
  const bytes = Array.from(new Uint8Array(value).subarray(0, MAXIMUM_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  const rest = value.byteLength - bytes.length;
  const more = rest > 0 ? ` ... ${rest} more byte${rest === 1 ? "" : "s"}` : "";
  return {
    open: "ArrayBuffer {",
    entries: [
      () => `[Uint8Contents]: <${bytes.join(" ")}${more}>`,
      () => `byteLength: ${value.byteLength}`,
    ],
  };
}

/** Whether the elements that are shown are numbers, all of them. */
function isNumeric(elements: ArrayLike<unknown>, count: number): boolean {
  for (let index = 0; index < Math.min(count, elements.length); index++) {
    if (typeof elements[index] !== "number" && typeof elements[index] !== "bigint") return false;
  }
  return count <= elements.length;
}

function isBoxed(value: object): boolean {
  return (
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean ||
    value instanceof BigInt
  );
}

function brand(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
