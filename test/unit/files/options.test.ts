/** The `files` option: what it becomes, and what is refused. */
import { describe, expect, it } from "vitest";
import { resolveFiles } from "../../../dist/pool/files/settings.js";

describe("files", () => {
  it("has defaults", () => {
    expect(resolveFiles({})).toEqual({
      mount: "/data",
      backend: { kind: "memory" },
      readOnly: false,
      maxBytes: 64 * 2 ** 20,
      maxFiles: 10_000,
      maxNameBytes: 255,
      hasOverlays: false,
    });
  });

  it("takes its parts", () => {
    const given = { mount: "//a/b/", backend: { directory: "./d" }, perRun: "overlay" };
    expect(resolveFiles(given)).toMatchObject({
      mount: "/a/b",
      backend: { kind: "directory", directory: "./d" },
      hasOverlays: true,
    });
    expect(resolveFiles({ backend: "opfs" }).backend).toEqual({ kind: "opfs", name: "skep" });
    expect(resolveFiles({ backend: { opfs: "own" } }).backend).toEqual({
      kind: "opfs",
      name: "own",
    });
    expect(resolveFiles({ mount: "/" }).mount).toBe("/");
  });

  it.each([
    [null, "files: options must be an object."],
    ["memory", "files: options must be an object."],
    [{ mount: "data" }, 'files.mount must be an absolute path such as "/data", not data.'],
    [{ mount: "/a/../b" }, 'files.mount must not have "." or "..": "/a/../b".'],
    [{ mount: "/a\0b" }, "files.mount must be an absolute path"],
    [{ mount: 7 }, "files.mount must be an absolute path"],
    [{ backend: "disk" }, 'files.backend must be "memory", "opfs", '],
    [{ backend: null }, 'files.backend must be "memory", "opfs", '],
    [{ backend: {} }, 'files.backend must be "memory", "opfs", '],
    [{ backend: { directory: "" } }, 'files.backend must be "memory", "opfs", '],
    [{ backend: { directory: "x", mode: 1 } }, 'files.backend: there is no option "mode".'],
    [{ backend: { opfs: "../x" } }, "files.backend.opfs must be a name"],
    [{ backend: { opfs: "y", directory: "x" } }, 'files.backend: there is no option "directory".'],
    [{ maxBytes: -1 }, "files.maxBytes must be a whole number of at least 0"],
    [{ maxFiles: 1.5 }, "files.maxFiles must be a whole number"],
    [
      { maxNameBytes: 1000 },
      "files.maxNameBytes must be a whole number of at least 1 and at most 255",
    ],
    [{ readOnly: "yes" }, "files.readOnly must be true or false."],
    [{ perRun: "copy" }, 'files.perRun must be "shared" or "overlay".'],
    [{ readonly: true }, 'files: there is no option "readonly". Did you mean "readOnly"?'],
  ])("refuses %j", (given, message) => {
    expect(() => resolveFiles(given)).toThrow(message);
    expect(() => resolveFiles(given)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });
});
