import type { DependencyDefinition } from "../../../src/protocol/control.ts";
import { describe, expect, test } from "vitest";
import { prepareDefinitions, prepareUndefinitions } from "../../../src/registry/definitions.ts";
import { checkOrder, type DependencyOrder } from "../../../src/registry/dependency-order.ts";
import { nearestName } from "../../../src/registry/names.ts";

/** Definitions as they are when what was ordered has been checked as well. */
function prepareAll(
  definitions: Parameters<typeof prepareDefinitions>[0],
): (DependencyDefinition | DependencyOrder)[] {
  const { dependencies } = prepareDefinitions(definitions);
  return dependencies.map((given) => (given.kind === "ordered" ? checkOrder(given) : given));
}

describe("prepareDefinitions", () => {
  test("prepares every kind", () => {
    const prepared = prepareDefinitions({
      functions: { f: "(context) => context.dependencies.x" },
      constants: { A: 1 },
      dependencies: {
        "@scope/x": { source: "export default 1" },
        crypto: { module: "node:crypto", exports: ["createHash"], handles: { Hash: ["update"] } },
      },
    });
    expect(prepared.functions[0]).toMatchObject({
      name: "f",
      contextIndex: 0,
      requirements: { dependencies: ["x"], constants: [] },
    });
    expect(prepared.constants[0]?.value).toBeInstanceOf(Uint8Array);
    expect(prepared.dependencies).toEqual([
      { alias: "@scope/x", kind: "source", source: "export default 1" },
      {
        alias: "crypto",
        kind: "host-module",
        specifier: "node:crypto",
        exports: ["createHash"],
        handles: { Hash: ["update"] },
      },
    ]);
  });

  const wrong: [string, unknown, RegExp][] = [
    ["no object", null, /must be an object/],
    ["an unknown kind", { function: {} }, /Did you mean "functions"/],
    ["a host function that is none", { host: { x: 1 } }, /host\.x must be a function/],
    ["a host option that is unknown", { host: { x: { fn: () => 1, tiemout: 1 } } }, /"tiemout"/],
    [
      "a host limit out of range",
      { host: { x: { fn: () => 1, timeoutMs: 0 } } },
      /positive whole number/,
    ],
    ["an array of functions", { functions: [] }, /functions must be an object/],
    ["a bad name", { functions: { "a-b": "() => 1" } }, /"a-b" cannot name a function/],
    ["a name with a digit first", { constants: { "1A": 1 } }, /cannot name a constant/],
    ["an empty alias", { dependencies: { "": { source: "" } } }, /alias/],
    ["an alias with a line break", { dependencies: { "a\n": { source: "" } } }, /alias/],
    ["a dependency that is text", { dependencies: { a: "x" } }, /must be an object/],
    ["a package that is none", { dependencies: { a: { npm: "./a" } } }, /npm must name a package/],
    ["a package by number", { dependencies: { a: { npm: 1 } as any } }, /npm must name a package/],
    [
      "a tag",
      { dependencies: { a: { npm: "a", version: "next" } } },
      /a version such as 4\.17\.21/,
    ],
    [
      "a package and its version",
      { dependencies: { a: { npm: "@b/c@4" } } },
      /npm: "@b\/c", version: "4"/,
    ],
    [
      "a module of Node",
      { dependencies: { a: { npm: "node:fs" } } },
      /given as { module: "node:fs"/,
    ],
    ["half a character", { dependencies: { "\ud800": { source: "" } } }, /half characters/],
    ["a package and text", { dependencies: { a: { npm: "a", source: "" } } }, /property "source"/],
    ["a relative URL", { dependencies: { a: { url: "/x.js" } } }, /absolute http\(s\) URL/],
    ["a data URL", { dependencies: { a: { url: "data:,1" } } }, /absolute http\(s\) URL/],
    ["a file URL", { dependencies: { a: { url: "file:///x.js" } } }, /absolute http\(s\) URL/],
    [
      "a bad integrity",
      { dependencies: { a: { url: "https://x.y/z.js", integrity: "md5-x" } } },
      /integrity must be sha256-/,
    ],
    [
      "no bytes at all",
      { dependencies: { a: { url: "https://x.y/z.js", maxBytes: 0 } } },
      /maxBytes must be a whole number of at least 1/,
    ],
    [
      "a hash of a package",
      { dependencies: { a: { npm: "a", integrity: "sha256-x" } as any } },
      /unknown property "integrity"/,
    ],
    ["two kinds at once", { dependencies: { a: { source: "", commonjs: "" } } }, /exactly one/],
    ["a module without exports", { dependencies: { a: { module: "m" } } }, /exports/],
    ["no exports", { dependencies: { a: { module: "m", exports: [] } } }, /exports/],
    ["a source that is no text", { dependencies: { a: { source: 1 } } }, /source text/],
    ["an unknown property", { dependencies: { a: { source: "", x: 1 } } }, /property "x"/],
    [
      "handles that are no lists",
      { dependencies: { a: { module: "m", exports: ["a"], handles: { H: "x" } } } },
      /handles\.H/,
    ],
  ];
  for (const [what, definitions, message] of wrong) {
    test(`refuses ${what}`, () => {
      expect(() => prepareAll(definitions as never)).toThrow(message);
      expect(() => prepareAll(definitions as never)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    });
  }

  test("refuses getters without calling them", () => {
    let calls = 0;
    const functions = {
      get f() {
        calls++;
        return "() => 1";
      },
    };
    expect(() => prepareDefinitions({ functions })).toThrow(/"f" is a getter/);
    expect(calls).toBe(0);
  });

  test("refuses constants that cannot cross, with the path", () => {
    expect(() => prepareDefinitions({ constants: { A: { b: [() => {}] } } })).toThrow(
      expect.objectContaining({
        code: "not-marshallable",
        message: expect.stringMatching(/A\.b\[0\]/),
      }),
    );
  });
});

test("prepareUndefinitions fills in what is left out", () => {
  expect(prepareUndefinitions({ functions: ["a"] })).toEqual({
    functions: ["a"],
    constants: [],
    dependencies: [],
    host: [],
  });
  expect(() => prepareUndefinitions({ functions: "a" } as never)).toThrow(/list of names/);
});

test("nearestName suggests near misses only", () => {
  const known = ["resize", "rotate", "add"];
  expect(nearestName("resise", known)).toBe("resize");
  expect(nearestName("Rotate", known)).toBe("rotate");
  expect(nearestName("ad", known)).toBe("add");
  expect(nearestName("xyz", known)).toBeUndefined();
  expect(nearestName("", known)).toBeUndefined();
});

describe("dependencies whose source is got later", () => {
  test("are checked and completed", () => {
    const dependencies = prepareAll({
      dependencies: {
        far: { url: "https://x.y/z.js" },
        near: { npm: "@scope/name/path", version: "^1.2.3" },
      },
    });
    expect(dependencies).toEqual([
      {
        alias: "far",
        kind: "url",
        url: "https://x.y/z.js",
        integrity: undefined,
        maxBytes: 10 * 2 ** 20,
        timeoutMs: 30_000,
      },
      { alias: "near", kind: "npm", specifier: "@scope/name/path", version: "^1.2.3" },
    ]);
  });
});
