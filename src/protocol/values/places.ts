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

/** The name of the whole way to a place, as in `[0].name`. */
export function nameOfPath(place: Place): string {
  const names: string[] = [];
  for (let step: Place | undefined = place; step; step = step.namedIn) names.push(nameOf(step));
  return names.reverse().join("");
}

/** How a path names a step: `[0]`, `.name`, or `["any text"]`. */
export function nameOf({ name, key }: Place): string {
  if (name !== undefined) return name;
  return typeof key === "number" ? `[${key}]` : propertyName(key);
}

export function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
