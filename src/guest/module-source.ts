/** Guest source of modules the host makes up: their content already exists when they are imported. */

/** Around a CommonJS source, which starts on line 2; evaluates to the function that runs it. */
export function commonjsModule(source: string): string {
  // A hashbang is a comment in a file, and in nothing else.
  const text = source.startsWith("#!") ? `//${source.slice(2)}` : source;
  return `(function (exports, require, module) {\n${text}\n})`;
}

/**
 * An ES module that exports the content exposed while it is evaluated: the whole as default, each
 * name that can be one as itself. `main` is the expression to export as default instead.
 */
export function contentModule(names: readonly string[], main = "content"): string {
  const lines = ['const content = globalThis["skep:module"];', `export default ${main};`];
  names.forEach((name, index) => {
    if (name === "default" || !/^[A-Za-z_$][\w$]*$/.test(name)) return;
    lines.push(`const export${index} = content.${name};`, `export { export${index} as ${name} };`);
  });
  return lines.join("\n");
}
