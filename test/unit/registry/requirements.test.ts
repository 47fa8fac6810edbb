import { describe, expect, test } from "vitest";
import { findRequirements, type Requirements } from "../../../src/registry/requirements.ts";
import { scan } from "../../../src/registry/scanner.ts";

function find(source: string): Requirements {
  return findRequirements(scan(source));
}

describe("findRequirements finds", () => {
  const dependencies: [string, string][] = [
    ["double quotes", 'wpc_import("x")'],
    ["single quotes", "wpc_import('x')"],
    ["backticks", "wpc_import(`x`)"],
    ["white space and comments between", "wpc_import /* which? */ (\n 'x' // this\n)"],
    ["an alias in an object", "wpc_import({ alias: 'x' })"],
    ["a quoted alias", 'wpc_import({ "alias": "x", more: 1 })'],
    ["a dynamic import", 'await import("x")'],
    ["a member of the context", "context.dependencies.x.y()"],
    ["a bracketed member", 'context.dependencies["x"]'],
    ["optional members", "context?.dependencies?.x"],
    ["calls in template substitutions", "`a ${wpc_import('x')} b`"],
    ["calls after a division", "a / 2; wpc_import('x'); b / 3"],
    ["calls after a regular expression", "/wpc_import('y')/.test(s); wpc_import('x')"],
    ["calls after a regular expression in a condition", "if (a) /'/.test(b); wpc_import('x')"],
  ];
  for (const [what, source] of dependencies) {
    test(`dependencies: ${what}`, () => {
      expect(find(source)).toEqual({ dependencies: ["x"], constants: [] });
    });
  }

  test("constants", () => {
    expect(find("wpc_constant('B'); wpc_constant(`A`); context.constants.C").constants).toEqual([
      "A",
      "B",
      "C",
    ]);
  });

  test("each name once", () => {
    expect(find("wpc_import('x'); wpc_import('x')").dependencies).toEqual(["x"]);
  });
});

describe("findRequirements ignores", () => {
  const ignored: [string, string][] = [
    ["line comments", "// wpc_import('x')\n1"],
    ["block comments", "/* wpc_import('x') */ 1"],
    ["strings", "\"wpc_import('x')\""],
    ["templates", "`wpc_import('x')`"],
    ["regular expressions", "a = /wpc_import('x')/g"],
    ["computed names", "wpc_import(name); wpc_import('a' + b); context.dependencies[name]"],
    ["substituted templates", "wpc_import(`a${b}`)"],
    ["other functions", "my_wpc_import('x'); wpc_imports('x')"],
    ["methods called import", "loader.import('x')"],
    ["other contexts", "canvas.context.dependencies.x"],
  ];
  for (const [what, source] of ignored) {
    test(what, () => {
      expect(find(source)).toEqual({ dependencies: [], constants: [] });
    });
  }
});
