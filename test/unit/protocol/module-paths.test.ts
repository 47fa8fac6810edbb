import { describe, expect, test } from "vitest";
import {
  entryPath,
  isModulePath,
  modulePath,
  moduleUrl,
} from "../../../src/protocol/module-paths.ts";

describe("places of virtual modules", () => {
  test.each([
    ["./main.js", "./lib.js", "./lib.js"],
    ["./a/b/main.js", "./lib.js", "./a/b/lib.js"],
    ["./a/b/main.js", "../lib.js", "./a/lib.js"],
    ["./a/b/main.js", "../../lib.js", "./lib.js"],
    ["./a/b/main.js", "../../../lib.js", undefined],
    ["./main.js", "../lib.js", undefined],
    ["./main.js", "./a/../../lib.js", undefined],
    ["./main.js", "./a/./b//c.js", "./a/b/c.js"],
    ["./a/main.js", "/lib.js", "./lib.js"],
    ["./a/main.js", "skep:///b/lib%20x.js", "./b/lib x.js"],
    ["./a/main.js", "skep:///%zz.js", "./%zz.js"],
    ["./main.js", "/../lib.js", undefined],
    ["./main.js", "./folder/", "./folder/"],
    ["./main.js", "./...", "./..."],
  ])("from %s, %s is %s", (base, specifier, expected) => {
    expect(modulePath(base, specifier)).toBe(expected);
  });

  test("names are no places", () => {
    for (const name of ["lodash", "@a/b", "node:fs", "https://x/y.js", ".hidden", "a/./b"]) {
      expect(isModulePath(name)).toBe(false);
    }
    for (const path of ["./a", "../a", "/a", "//a", "skep:///a"]) {
      expect(isModulePath(path)).toBe(true);
    }
  });

  test.each([
    ["main.js", "./main.js"],
    ["src/main.js", "./src/main.js"],
    ["./src/../main.js", "./main.js"],
    ["../main.js", "./main.js"],
    ["/home/me/main.js", "./main.js"],
    ["file:///home/me/main.js", "./main.js"],
    ["C:\\work\\main.js", "./main.js"],
    ["https://example.com/a/main.js", "./main.js"],
  ])("an evaluation called %s is at %s", (filename, expected) => {
    expect(entryPath(filename)).toBe(expected);
  });

  test("addresses lead back to the place", () => {
    for (const path of ["./a.js", "./a b/ü日?#%.js"]) {
      const url = moduleUrl(path);
      expect(new URL(url).href).toBe(url);
      expect(modulePath("./other/x.js", url)).toBe(path);
    }
    expect(moduleUrl("@a/b")).toBe("skep:%40a%2Fb");
  });
});
