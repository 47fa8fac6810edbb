/**
 * Console values as text, as Node would show them: for people, so bounded and without control
 * characters. The values are the guest's, but data by now: nothing of them runs here.
 */
import { Description } from "../protocol/values/description.ts";
import { decodeConsole } from "../protocol/values/outbound.ts";
import { consoleTable } from "./console-table.ts";
import { inspect } from "./inspect.ts";
import { escaped } from "./quoted-text.ts";

const MAXIMUM_LENGTH = 10_000;
const MAXIMUM_INDENTATION = 100;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A line of a console: the values that were given, and their text. */
export interface ConsoleLine {
  values: unknown[];
  text: string;
}

interface ConsoleCall {
  /** The method's name where it matters for the text. */
  method: string;
  /** How many groups are open. */
  depth: number;
  values: unknown[];
}

/**
 * Reads a call of a console method, as a worker writes it: the method, the depth of groups, and the
 * values. What cannot cross is a text among the values, but not to be shown as one.
 */
export function readConsoleCall(bytes: Uint8Array): ConsoleLine {
  let isDescribed = false;
  const written = decodeConsole(bytes, (text) => {
    isDescribed = true;
    return text;
  });
  const { values } = callOf(written);
  const shown = isDescribed ? decodeConsole(bytes, (text) => new Description(text)) : written;
  const call = callOf(shown);
  return { values, text: consoleText(call.values, call.method, call.depth) };
}

/** A line of the library's own. */
export function consoleNotice(message: string): ConsoleLine {
  const text = `[${message}]`;
  return { values: [text], text };
}

function callOf(written: unknown): ConsoleCall {
  if (!Array.isArray(written)) throw new TypeError("Console values must be an array.");
  const [method, depth, ...values] = written as unknown[];
  if (typeof method !== "string" || typeof depth !== "number") {
    throw new TypeError("Console values must follow a method and a depth.");
  }
  return { method, depth, values };
}

/** The values as the console's method would show them. Tabs and line breaks stay. */
export function consoleText(
  values: readonly unknown[],
  method: string = "log",
  depth: number = 0,
): string {
  const text = methodText(values, method);
  const shown = text.length > MAXIMUM_LENGTH ? `${text.slice(0, MAXIMUM_LENGTH)}…` : text;
  // A terminal would obey escape sequences.
  const safe = shown.replace(CONTROL_CHARACTER, (character) => escaped(character));
  const indentation = "  ".repeat(Math.max(0, Math.min(depth, MAXIMUM_INDENTATION)));
  return indentation === "" ? safe : indentation + safe.replaceAll("\n", `\n${indentation}`);
}

function methodText(values: readonly unknown[], method: string): string {
  switch (method) {
    case "table":
      return consoleTable(values[0], values[1]) ?? plain(values[0]);
    case "dir":
      return inspect(values[0], optionsDepth(values[1]));
    case "trace": {
      const [stack, ...rest] = values;
      const message = format(rest);
      // The first frame is the console's own.
      const frames = typeof stack === "string" ? stack.replace(/^[^\n]*\n?/, "") : "";
      return `Trace${message === "" ? "" : `: ${message}`}\n${frames.trimEnd()}`.trimEnd();
    }
    case "assert": {
      const [first, ...rest] = values;
      if (values.length === 0) return "Assertion failed";
      return typeof first === "string"
        ? format([`Assertion failed: ${first}`, ...rest])
        : format(["Assertion failed:", ...values]);
    }
    case "time": {
      const [label, ms, ...rest] = values;
      const line = `${plain(label)}: ${duration(Number(ms))}`;
      return rest.length === 0 ? line : `${line} ${rest.map((value) => plain(value)).join(" ")}`;
    }
    default:
      return format(values);
  }
}

/** Replaces format specifiers in the first value with those that follow; the rest is appended. */
function format(values: readonly unknown[]): string {
  const [first] = values;
  if (typeof first !== "string" || values.length === 1) {
    return values.map((value) => plain(value)).join(" ");
  }
  let used = 1;
  const text = first.replace(/%[sdifjoOc%]/g, (specifier) => {
    if (specifier === "%%") return "%";
    if (used >= values.length) return specifier;
    return substitute(specifier, values[used++]);
  });
  return [text, ...values.slice(used).map((value) => plain(value))].join(" ");
}

function substitute(specifier: string, value: unknown): string {
  switch (specifier) {
    case "%s":
      return isObject(value) ? inspect(value, 0) : plain(value);
    case "%d":
      if (typeof value === "bigint") return `${value}n`;
      return plain(converted(value, Number));
    case "%i":
      if (typeof value === "bigint") return `${value}n`;
      return plain(Number.parseInt(String(converted(value, String))));
    case "%f":
      return plain(Number.parseFloat(String(converted(value, String))));
    case "%j":
      return json(value);
    case "%o":
      return inspect(value, 4);
    case "%O":
      return inspect(value, 2);
    default:
      // Styles are for browsers.
      return "";
  }
}

/** What cannot be converted is no number. The values are data: converting them runs nothing of the guest's. */
function converted<Value extends number | string>(
  value: unknown,
  convert: (value: unknown) => Value,
): Value | number {
  try {
    return convert(value);
  } catch {
    return Number.NaN;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch (error) {
    return error instanceof TypeError && /BigInt/.test(error.message) ? "[BigInt]" : "[Circular]";
  }
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, 2);
}

function optionsDepth(options: unknown): number {
  const depth =
    typeof options === "object" && options !== null
      ? (options as { depth?: unknown }).depth
      : undefined;
  if (depth === null) return Number.POSITIVE_INFINITY;
  return typeof depth === "number" ? depth : 2;
}

function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(3)}s`;
  return `${Number(ms.toFixed(3))}ms`;
}
