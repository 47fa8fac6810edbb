import { describe, expect, it } from "vitest";
import { isVersion, packageName, satisfies } from "../../../src/dependencies/package-name.ts";

describe("packageName", () => {
  it.each([
    ["lodash-es", "lodash-es"],
    ["lodash-es/chunk", "lodash-es"],
    ["@scope/name", "@scope/name"],
    ["@scope/name/deep/path.js", "@scope/name"],
    ["JSONStream", "JSONStream"],
  ])("%s", (specifier, name) => expect(packageName(specifier)).toBe(name));

  it.each(
    ["", ".", "..", "./x", "../x", "/x", "@scope", "@/x", "a/../b", "a/./b", "a//b", "a/"].concat([
      "node:fs",
      "https://x.y/z",
      "a b",
      "a\\b",
      "_x",
      "a?b",
      "x\n",
    ]),
  )("refuses %j", (specifier) => expect(packageName(specifier)).toBeUndefined());
});

describe("versions", () => {
  it.each(["1.2.3", "v1.2.3", "1.2", "1", "^1.2.3", "~0.1.0", "1.0.0-beta.1", "1.0.0+build"])(
    "understands %s",
    (version) => expect(isVersion(version)).toBe(true),
  );
  it.each(["", "latest", "*", "1.x", ">=1", "1 - 2", "^", "1.2.3.4"])("refuses %j", (version) =>
    expect(isVersion(version)).toBe(false),
  );

  it.each<[string, string, boolean]>([
    ["1.2.3", "1.2.3", true],
    ["1.2.3", "v1.2.3", true],
    ["1.2.3", "1.2.4", false],
    ["1.2.3", "1.2", true],
    ["1.2.3", "1", true],
    ["1.2.3", "2", false],
    ["1.10.0", "1.1", false],
    ["1.2.3", "^1.2.0", true],
    ["1.3.0", "^1.2.5", true],
    ["1.2.3", "^1.2.4", false],
    ["2.0.0", "^1.2.3", false],
    ["0.2.9", "^0.2.3", true],
    ["0.3.0", "^0.2.3", false],
    ["0.0.4", "^0.0.3", false],
    ["1.2.9", "~1.2.3", true],
    ["1.3.0", "~1.2.3", false],
    ["1.9.0", "~1", true],
    ["1.2.3-beta.1", "^1.2.0", false],
    ["1.2.3-beta.1", "1.2.3", false],
    ["1.2.3-beta.1", "1.2.3-beta.1", true],
    ["1.2.3-beta.2", "^1.2.3-beta.1", true],
    ["1.2.3-beta.10", "~1.2.3-beta.9", true],
    ["1.2.3-beta.1", "^1.2.3-beta.2", false],
    ["1.2.3-beta", "^1.2.3-beta.1", false],
    ["1.2.3-beta.a", "^1.2.3-beta.1", true],
    ["1.2.3-1", "^1.2.3-beta", false],
    ["1.2.3-rc.1", "^1.2.3-beta.5", true],
    ["1.2.3", "^1.2.3-beta.1", true],
    ["1.3.0", "^1.2.3-beta.1", true],
    ["1.2.4-beta.5", "^1.2.3-beta.1", false],
    ["1.2.3", "1.2.3-beta.1", false],
    ["1.2.3-beta.1", "1.2", false],
    ["1.2.3+build.5", "1.2.3", true],
  ])("%s for %s: %s", (installed, wanted, fits) => expect(satisfies(installed, wanted)).toBe(fits));
});
