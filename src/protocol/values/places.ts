/** Where a value stands that is being encoded: how the guest finds it, and how a message names it. */

export type Key = string | number;

/** An object already encoded, or on its way: how the guest finds it and how a message names it. */
export interface Place {
  /** The place that holds it in the encoded form; undefined for the two roots. */
  holder: Place | undefined;
  key: Key;
  /** As `holder`, but in the value as the host sees it. */
  namedIn: Place | undefined;
  /** Its name there, where that is not its key. */
  name: string | undefined;
}

/** Of a longer way than this the middle is left out. */
const LONGEST_NAMED = 24;
const NAMED_AT_START = 16;
const NAMED_AT_END = 4;

/** The name of the whole way to a place, as in `[0].name`. */
export function nameOfPath(place: Place): string {
  const names: string[] = [];
  for (let step: Place | undefined = place; step; step = step.namedIn) names.push(nameOf(step));
  return shortened(names.reverse()).join("");
}

/** The names of a way's steps, with "…" for those in the middle of a long one. */
export function shortened(names: readonly string[]): readonly string[] {
  if (names.length <= LONGEST_NAMED) return names;
  return [...names.slice(0, NAMED_AT_START), "…", ...names.slice(-NAMED_AT_END)];
}

/** How a path names a step: `[0]`, `.name`, or `["any text"]`. */
export function nameOf({ name, key }: Place): string {
  if (name !== undefined) return name;
  return typeof key === "number" ? `[${key}]` : propertyName(key);
}

export function propertyName(key: string): string {
  if (/^(?:0|[1-9]\d*)$/.test(key)) return `[${key}]`;
  if (/^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`;
  return `[${JSON.stringify(key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}…` : key)}]`;
}

/** A key may be a whole text. */
const LONGEST_KEY = 100;
