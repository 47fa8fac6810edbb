/** Paths as callers write them, and what they mean inside the mount. Nothing is ever decoded. */
import { type Attempt, FileError } from "./file-error.ts";

export interface PathRules {
  /** Absolute, without a `/` at its end unless it is all. */
  readonly mount: string;
  /** Bytes of UTF-8 that one name may have. */
  readonly maxNameBytes: number;
}

/** Characters of a whole path, as on most systems. */
const MAXIMUM_PATH = 4_096;
/** Names on the way from the mount: what goes through directories need not fear for its stack. */
export const MAXIMUM_DEPTH = 128;

/**
 * The path below the mount that a caller means: names joined by `/`. Relative ones begin at the
 * mount. Throws EACCES for what is outside, and EINVAL and ENAMETOOLONG for what is no path.
 */
export function pathInMount(rules: PathRules, given: unknown, syscall: string): string {
  if (typeof given !== "string") {
    throw new FileError("EINVAL", { syscall, path: typeof given }, "the path must be a string");
  }
  const attempt: Attempt = { syscall, path: given };
  if (given === "") throw new FileError("ENOENT", attempt);
  if (given.length > MAXIMUM_PATH) throw new FileError("ENAMETOOLONG", attempt);
  // A backslash separates names on some systems, and half a character becomes another in storage.
  if (/[\0\\]/.test(given) || /\p{Surrogate}/u.test(given)) {
    throw new FileError("EINVAL", attempt, "the path has a character that names cannot have");
  }
  const mountNames = namesIn(rules.mount);
  const names = given.startsWith("/") ? [] : [...mountNames];
  for (const name of namesIn(given)) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  if (mountNames.some((name, index) => names[index] !== name)) {
    const reason = `permission denied: it is outside of ${rules.mount}`;
    throw new FileError("EACCES", attempt, reason);
  }
  const inside = names.slice(mountNames.length);
  for (const name of inside) checkName(name, rules, attempt);
  if (inside.length > MAXIMUM_DEPTH) throw tooDeep(attempt);
  return inside.join("/");
}

export function tooDeep(attempt: Attempt): FileError {
  const reason = `name too long: a path may have ${MAXIMUM_DEPTH} names`;
  return new FileError("ENAMETOOLONG", attempt, reason);
}

function namesIn(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function checkName(name: string, { maxNameBytes }: PathRules, attempt: Attempt): void {
  if (name.length * 3 <= maxNameBytes) return;
  if (new TextEncoder().encode(name).length <= maxNameBytes) return;
  const reason = `name too long: files.maxNameBytes allows ${maxNameBytes} bytes`;
  throw new FileError("ENAMETOOLONG", attempt, reason);
}
