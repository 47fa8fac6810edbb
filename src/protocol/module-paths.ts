/**
 * Names of virtual modules, the modules that an evaluation brings along. They live in a tree of
 * their own with a root that nothing leads out of: `./lib.js` is a module at the root.
 */

const ORIGIN = "skep:///";

/** Whether a specifier is a place in the tree; otherwise it is a name, such as `lodash`. */
export function isModulePath(specifier: string): boolean {
  return /^(?:\.{0,2}\/|skep:\/\/\/)/.test(specifier);
}

/**
 * The place a path means, as `./folder/file.js`, seen from the module at `base`; undefined when it
 * leads out of the root.
 */
export function modulePath(base: string, specifier: string): string | undefined {
  const isUrl = specifier.startsWith(ORIGIN);
  const isAbsolute = isUrl || specifier.startsWith("/");
  const folder = isAbsolute ? "" : base.slice(0, base.lastIndexOf("/") + 1);
  const steps: string[] = [];
  for (const step of (folder + (isUrl ? decoded(specifier) : specifier)).split("/")) {
    if (step === "..") {
      if (steps.pop() === undefined) return undefined;
    } else if (step !== "" && step !== ".") steps.push(step);
  }
  const isFolder = specifier.endsWith("/") && steps.length > 0;
  return `./${steps.join("/")}${isFolder ? "/" : ""}`;
}

/** The place of an evaluation in the tree: its file name, or the last part of one from elsewhere. */
export function entryPath(filename: string): string {
  const isRelative = !/^(?:[A-Za-z][\w+.-]*:|[\\/])|\\/.test(filename);
  const path = isRelative ? modulePath("./", filename) : undefined;
  return path ?? `./${filename.split(/[\\/]/).at(-1) ?? ""}`;
}

/** What `import.meta.url` is in a module. */
export function moduleUrl(name: string): string {
  if (!name.startsWith("./")) return `skep:${encodeURIComponent(name)}`;
  return ORIGIN + encodeURI(name.slice(2)).replace(/[?#]/g, encodeURIComponent);
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.slice(ORIGIN.length));
  } catch {
    return url.slice(ORIGIN.length);
  }
}

/** Why a virtual module is refused that has a dependency's name. */
export function shadowedDependency(name: string): string {
  return (
    `The virtual module "${name}" has the name of a dependency of this pool, which it would hide. ` +
    "Give it another name."
  );
}
