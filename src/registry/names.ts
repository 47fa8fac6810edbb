/** Names of functions and constants, aliases of dependencies, and what to say when one is wrong. */
import { SkepError } from "../errors.ts";
import { META_MODULE } from "../protocol/source-files.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SUGGESTION_DISTANCE = 2;

/** Refuses a name that is not an identifier of letters, digits and underscores. */
export function checkName(kind: "function" | "constant", name: unknown): asserts name is string {
  if (typeof name === "string" && NAME.test(name)) return;
  throw new SkepError(
    "invalid-argument",
    `${JSON.stringify(name) ?? String(name)} cannot name a ${kind}. ` +
      "Use letters, digits and underscores, and no digit first.",
  );
}

/** Refuses an alias that cannot be an import specifier. */
export function checkAlias(alias: unknown): asserts alias is string {
  const isText = typeof alias === "string" && alias !== "";
  const isOwn = alias === META_MODULE;
  if (isText && !isOwn && !CONTROL_CHARACTER.test(alias) && !LONE_SURROGATE.test(alias)) return;
  throw new SkepError(
    "invalid-argument",
    `${JSON.stringify(alias) ?? String(alias)} cannot be a dependency's alias. ` +
      "Use an import specifier without control characters and half characters, such as lodash or " +
      `@scope/name; ${META_MODULE} is the library's own.`,
  );
}

/** The known name that `name` was probably meant to be, or undefined. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let best = SUGGESTION_DISTANCE + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= best) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    // A suggestion that replaces most of a short name helps nobody.
    if (distance < best && distance * 2 < Math.max(name.length, candidate.length)) {
      nearest = candidate;
      best = distance;
    }
  }
  return nearest;
}

/** Insertions, removals and replacements that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
