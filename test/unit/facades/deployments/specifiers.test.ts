import { describe, expect, it } from "vitest";
import { formatOf, renameImports } from "../../../../src/facades/deployments/specifiers.ts";

describe("what a text is", () => {
  it.each([
    "import 'a'",
    "import a from 'a'",
    "export const a = 1",
    "const a = 1; export { a }",
    "console.log(import.meta.url)",
    "function f() { return import.meta }",
  ])("%s: a module", (text) => expect(formatOf(text)).toBe("module"));

  it.each([
    "",
    "exports.a = 1",
    "import('a')",
    "const o = { import: 1, export: 2 }",
    "o.import; o.export",
    "// import a from 'a'",
    "'export default 1'",
    "`import a`",
    "/export/.test('')",
    "class A { export() {} }",
  ])("%s: CommonJS", (text) => expect(formatOf(text)).toBe("commonjs"));
});

describe("imports", () => {
  function sites(text: string): [string, boolean][] {
    const found: [string, boolean][] = [];
    renameImports(text, ({ specifier, isRequire }) => {
      found.push([specifier, isRequire]);
      return specifier;
    });
    return found;
  }

  it.each([
    "import 'a'",
    "import x from 'a'",
    'import { x as y } from "a"',
    "import * as x from 'a'",
    "import x, { y } from/* ! */'a'",
    "export * from 'a'",
    "export { x } from 'a'",
    "await import('a')",
    "import(`a`)",
    "import('a', { with: { type: 'json' } })",
  ])("%s", (text) => expect(sites(text)).toEqual([["a", false]]));

  it("by require", () => expect(sites("const x = require('a').b")).toEqual([["a", true]]));

  it.each([
    "o.require('a')",
    "o.import('a')",
    "function require('a') {}",
    "import(name)",
    "require('a' + name)",
    "import('a' + name)",
    "require(name)",
    "// import 'a'",
    "'import \"a\"'",
    "from = 'a'",
    "o.from 'a'",
    "Array.from('a')",
    "'a'",
  ])("%s: none", (text) => expect(sites(text)).toEqual([]));

  it("get other names, and the rest of the text stays", () => {
    const text = "import a from './a';\nexport * from \"b\"; // './a'\nrequire('c')";
    expect(
      renameImports(text, ({ specifier }) => (specifier === "b" ? "b" : `/${specifier}"`)),
    ).toBe('import a from "/./a\\"";\nexport * from "b"; // \'./a\'\nrequire("/c\\"")');
  });
});
