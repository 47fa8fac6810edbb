/** Names and versions of npm packages. */

const SPECIFIER = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)((?:\/[^/\\\s]+)*)$/i;
const VERSION = /^([\^~]?)v?(\d+)(?:\.(\d+)(?:\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?)?)?$/;

/** The package that a specifier such as `date-fns/addDays` names; undefined when it names none. */
export function packageName(specifier: string): string | undefined {
  const [, name, path] = SPECIFIER.exec(specifier) ?? [];
  return path?.split("/").some((segment) => /^\.\.?$/.test(segment)) === true ? undefined : name;
}

/** Whether {@link satisfies} understands it: `4.17.21`, `4.17`, `4`, `^4.17.0` or `~4.17.0`. */
export function isVersion(version: string): boolean {
  return VERSION.test(version);
}

/** Whether an installed version is the one asked for, by the rules of semantic versions. */
export function satisfies(installed: string, wanted: string): boolean {
  const want = parse(wanted);
  const have = parse(installed);
  if (want === undefined || have === undefined) return installed === wanted;
  const { sign, numbers } = want;
  const firstNonZero = numbers.findIndex((part) => part !== 0);
  /** How many leading parts must be the same; those after them may be larger. */
  let fixed = numbers.length;
  if (sign === "~") fixed = Math.min(2, numbers.length);
  if (sign === "^" && firstNonZero >= 0) fixed = firstNonZero + 1;
  const differs = numbers.findIndex((part, index) => part !== have.numbers[index]);
  if (differs >= 0) {
    // What comes before a release is only meant by who asks for the same release.
    const isLarger = (have.numbers[differs] ?? 0) > (numbers[differs] ?? 0);
    return have.prerelease === undefined && differs >= fixed && isLarger;
  }
  if (numbers.length < 3 && have.prerelease !== undefined) return false;
  if (sign === "" || have.prerelease === want.prerelease)
    return have.prerelease === want.prerelease;
  if (have.prerelease === undefined) return true;
  return want.prerelease !== undefined && comesAfter(have.prerelease, want.prerelease);
}

interface Version {
  sign: string;
  /** One to three. */
  numbers: number[];
  prerelease: string | undefined;
}

function parse(version: string): Version | undefined {
  const found = VERSION.exec(version);
  if (found === null) return undefined;
  const [, sign = "", ...parts] = found;
  const numbers = parts.slice(0, 3).filter((part) => part !== undefined);
  return { sign, numbers: numbers.map(Number), prerelease: parts[3] };
}

/** Whether one prerelease, such as `beta.2`, is later than another. */
function comesAfter(left: string, right: string): boolean {
  const leftParts = left.split(".");
  const rightParts = right.split(".");
  for (const [index, part] of leftParts.entries()) {
    const other = rightParts[index];
    if (other === undefined) return true;
    if (part === other) continue;
    const [isNumber, otherIsNumber] = [part, other].map((text) => /^\d+$/.test(text));
    if (isNumber === true && otherIsNumber === true) return Number(part) > Number(other);
    return isNumber === otherIsNumber ? part > other : otherIsNumber === true;
  }
  return false;
}
