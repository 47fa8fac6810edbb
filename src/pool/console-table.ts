/** `console.table`: rows and columns in a frame, as Node draws it. */
import { Description } from "../protocol/values/description.ts";
import { inspect } from "./inspect.ts";
import { columnsOf } from "./inspect-layout.ts";

const MAXIMUM_ROWS = 200;
const MAXIMUM_COLUMNS = 50;
const VALUES = "Values";

/** The data as a table; undefined when it is no object. */
export function consoleTable(data: unknown, columns: unknown): string | undefined {
  if (!isObject(data)) return undefined;
  const rows = rowsOf(data).slice(0, MAXIMUM_ROWS);
  const isKeyed = data instanceof Map || data instanceof Set;
  const wanted = Array.isArray(columns) ? new Set(columns.map(String)) : undefined;
  const names: string[] = data instanceof Map ? ["Key", VALUES] : [];
  let hasValues = data instanceof Set;
  for (const [, value] of rows) {
    if (!isRow(data, value)) hasValues = wanted === undefined;
    else for (const name of Object.keys(value)) if (!names.includes(name)) names.push(name);
  }
  const shown = (wanted ? [...wanted] : names).slice(0, MAXIMUM_COLUMNS);
  const head = [
    isKeyed ? "(iteration index)" : "(index)",
    ...shown,
    ...(hasValues ? [VALUES] : []),
  ];
  const cells = rows.map(([key, value]) => {
    const row = isRow(data, value) ? (value as Record<string, unknown>) : undefined;
    const members = shown.map((name) =>
      row && Object.hasOwn(row, name) ? inspect(row[name], 0) : "",
    );
    return [key, ...members, ...(hasValues ? [row ? "" : inspect(value, 0)] : [])];
  });
  return draw(head, cells);
}

function rowsOf(data: object): [string, unknown][] {
  if (data instanceof Map) {
    return [...data].map(([key, value], index) => [
      String(index),
      { Key: key as unknown, [VALUES]: value as unknown },
    ]);
  }
  if (data instanceof Set)
    return [...data].map((value, index) => [String(index), value as unknown]);
  return Object.entries(data);
}

/** The members of sets are values, whatever they are. */
function isRow(data: object, value: unknown): value is object {
  return !(data instanceof Set) && isObject(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Description);
}

function draw(head: string[], rows: string[][]): string {
  const widths = head.map((name, column) =>
    Math.max(...[name, ...rows.map((row) => row[column] ?? "")].map((cell) => columnsOf(cell) + 2)),
  );
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width)).join(middle) + right;
  const line = (cells: string[]): string =>
    `│${cells.map((cell, column) => padded(cell, widths[column] ?? 0)).join("│")}│`;
  return [
    rule("┌", "┬", "┐"),
    line(head),
    rule("├", "┼", "┤"),
    ...rows.map(line),
    rule("└", "┴", "┘"),
  ].join("\n");
}

function padded(cell: string, width: number): string {
  return ` ${cell}${" ".repeat(Math.max(0, width - columnsOf(cell) - 1))}`;
}
