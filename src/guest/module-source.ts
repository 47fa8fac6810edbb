/** Guest source of modules the host makes up: their content already exists when they are imported. */

/** Around a CommonJS source, which starts on line 2; evaluates to the function that runs it. */
export function commonjsModule(source: string): string {
  // The line that names a script's interpreter is none of the language's inside of a function.
  const body = source.startsWith("#!") ? `//${source.slice(2)}` : source;
  return `(function (exports, require, module) {\n${body}\n})`;
}

/** What can be the name of an export. */
const EXPORT_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * An ES module that exports the content exposed under its alias while it is evaluated: the whole as
 * default, each name that can be one as itself. `main` is the expression to export as default
 * instead.
 */
export function contentModule(alias: string, names: readonly string[], main = "content"): string {
  const lines = [
    `const content = globalThis["skep:modules"][${JSON.stringify(alias)}];`,
    `export default ${main};`,
    // As in Node, an export whose getter throws is undefined.
    "function get(name) { try { return content[name]; } catch {} }",
  ];
  names.forEach((name, index) => {
    if (name === "default" || !EXPORT_NAME.test(name)) return;
    const read = `const export${index} = get(${JSON.stringify(name)});`;
    lines.push(read, `export { export${index} as ${name} };`);
  });
  return lines.join("\n");
}
