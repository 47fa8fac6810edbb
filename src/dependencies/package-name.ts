/** Names and versions of npm packages. */

const SPECIFIER = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)((?:\/[^/\\\s]+)*)$/i;
const VERSION = /^([\^~]?)v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+][\w.+-]+)?$/;

/** The package that a specifier such as `date-fns/addDays` names; undefined when it names none. */
export function packageName(specifier: string): string | undefined {
  const [, name, path] = SPECIFIER.exec(specifier) ?? [];
  return path?.split("/").some((segment) => /^\.\.?$/.test(segment)) === true ? undefined : name;
}

/** Whether {@link satisfies} understands it: `4.17.21`, `4.17`, `4`, `^4.17.0` or `~4.17.0`. */
export function isVersion(version: string): boolean {
  return VERSION.test(version);
}

/** Whether an installed version is the one asked for. */
export function satisfies(installed: string, wanted: string): boolean {
  if (installed === wanted.replace(/^v/, "")) return true;
  const [, sign, ...wantedTexts] = VERSION.exec(wanted) ?? [];
  const isPrerelease = /^[\^~v]*[\d.]+-/.test(wanted) || installed.includes("-");
  if (isPrerelease) return false;
  const want = wantedTexts.filter((text) => text !== undefined).map(Number);
  const have = installed.split(/[.+]/).slice(0, 3).map(Number);
  /** How many leading parts must be the same; those after them may be larger. */
  let fixed = want.length;
  if (sign === "~") fixed = Math.min(2, want.length);
  if (sign === "^") {
    const firstNonZero = want.findIndex((part) => part !== 0);
    fixed = firstNonZero < 0 ? want.length : firstNonZero + 1;
  }
  for (let at = 0; at < want.length; at++) {
    const difference = (have[at] ?? 0) - (want[at] ?? 0);
    if (difference !== 0) return at >= fixed && difference > 0;
  }
  return true;
}
