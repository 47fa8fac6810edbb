/** Where a guest's path leads: inside the mount, or nowhere. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FileError } from "../../../dist/files/file-error.js";
import { pathInMount } from "../../../dist/files/paths.js";

const rules = { mount: "/data", maxNameBytes: 255 };

function codeOf(path: unknown, given = rules): string {
  try {
    return `inside: ${pathInMount(given, path, "open")}`;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.code;
  }
}

describe("paths", () => {
  it.each([
    ["/data", "inside: "],
    ["/data/", "inside: "],
    [".", "inside: "],
    ["/data/a/b", "inside: a/b"],
    ["a/b", "inside: a/b"],
    ["/data//a/./b/", "inside: a/b"],
    ["/data/a/../b", "inside: b"],
    ["/data/../data/a", "inside: a"],
    ["/../../data/a", "inside: a"],
    ["a/../..", "EACCES"],
    ["..", "EACCES"],
    ["/", "EACCES"],
    ["/database/x", "EACCES"],
    ["/DATA/x", "EACCES"],
    ["/data/../etc/passwd", "EACCES"],
    ["/etc/passwd", "EACCES"],
    // Never decoded: a name like any other.
    ["%2e%2e%2fetc", "inside: %2e%2e%2fetc"],
    ["/data/..%2f..%2fetc", "inside: ..%2f..%2fetc"],
    ["..\\..\\etc", "EINVAL"],
    ["a\0b", "EINVAL"],
    ["/data/x\0/../../etc", "EINVAL"],
    ["\ud800", "EINVAL"],
    ["．．/etc", "inside: ．．/etc"],
    ["", "ENOENT"],
    ["a".repeat(255), `inside: ${"a".repeat(255)}`],
    ["a".repeat(256), "ENAMETOOLONG"],
    ["é".repeat(128), "ENAMETOOLONG"],
    ["a/".repeat(2049), "ENAMETOOLONG"],
    ["a/".repeat(129), "ENAMETOOLONG"],
    [7, "EINVAL"],
    [["/data/x"], "EINVAL"],
    [null, "EINVAL"],
  ])("%j: %s", (path, expected) => expect(codeOf(path)).toBe(expected));

  it("has all below the mount /", () => {
    const root = { mount: "/", maxNameBytes: 255 };
    expect(codeOf("/a/b", root)).toBe("inside: a/b");
    expect(codeOf("../../a", root)).toBe("inside: a");
  });

  it("never leads anywhere but below the mount, whatever is asked", () => {
    const part = fc.constantFrom("..", ".", "", "a", "data", "%2e%2e", "..;", "...", "\\", "\0");
    const path = fc.oneof(
      fc.array(part).map((parts) => parts.join("/")),
      fc.array(part).map((parts) => `/${parts.join("/")}`),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(path, (given) => {
        const found = codeOf(given);
        if (!found.startsWith("inside: ")) return;
        const names = found.slice("inside: ".length).split("/");
        expect(names.filter((name) => name === ".." || name === ".")).toEqual([]);
        expect(found).not.toMatch(/[\0\\]|\/\/|: \//);
      }),
      { numRuns: 2_000 },
    );
  });

  it("names the operation and the path, shortened", () => {
    expect(() => pathInMount(rules, `/${"x".repeat(3000)}`, "rename")).toThrow(
      /^EACCES: permission denied: it is outside of \/data, rename '\/x{199}…'$/,
    );
  });
});
