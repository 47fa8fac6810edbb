/** Runs beside each other: what they see of one another, and what becomes of their changes. */
import { beforeEach, describe, expect, it } from "vitest";
import { commit } from "../../../dist/files/commit.js";
import { MemoryBackend } from "../../../dist/files/memory.js";
import { Overlay } from "../../../dist/files/overlay.js";
import type { Quota } from "../../../dist/files/quota.js";
import { Tree } from "./tree.ts";

let shared: Tree;
let quota: Quota;

/** A run's view, and its end. */
function newRun(): Tree & { commit(): Promise<void>; discard(): void } {
  const overlay = new Overlay(shared.volume, quota);
  return Object.assign(new Tree(overlay), {
    commit: async () => shared.turns.perform(commit(shared.volume, overlay.takeChanges())),
    discard: () => overlay.discard(),
  });
}

beforeEach(() => {
  ({ tree: shared, quota } = Tree.on(new MemoryBackend(), 100, 10));
});

describe("overlays", () => {
  it("keep changes to themselves until they are committed", async () => {
    const [first, second] = [newRun(), newRun()];
    await first.put("a", "1");
    expect(await second.contents()).toEqual({});
    expect(await shared.contents()).toEqual({});
    await first.commit();
    expect(await second.contents()).toEqual({ a: "1" });
  });

  it("append what was appended, whoever else did", async () => {
    await shared.put("log", "0");
    const [first, second] = [newRun(), newRun()];
    await first.append("log", "1");
    await second.append("log", "2");
    await first.append("new", "a");
    await second.append("new", "b");
    expect(await first.read("log")).toBe("01");
    await second.commit();
    expect(await first.read("log")).toBe("021");
    await first.append("log", "3");
    await first.commit();
    expect(await shared.contents()).toEqual({ log: "0213", new: "ba" });
  });

  it("let the last commit have the say about a file", async () => {
    await shared.put("a", "0");
    const [first, second] = [newRun(), newRun()];
    await first.put("a", "first");
    await second.put("a", "second");
    await second.put("b", "other");
    await second.commit();
    await first.commit();
    expect(await shared.contents()).toEqual({ a: "first", b: "other" });
  });

  it("make directories again that others removed, and keep what others put into those they remove", async () => {
    await shared.mkdir("d");
    await shared.mkdir("e");
    const [first, second] = [newRun(), newRun()];
    await first.put("d/a", "1");
    await second.rm("d", true);
    await first.rm("e", true);
    await second.put("e/b", "2");
    await second.commit();
    await first.commit();
    expect(await shared.contents()).toEqual({ d: null, "d/a": "1", e: null, "e/b": "2" });
  });

  it("do not see what others put into a directory that they have removed or made anew", async () => {
    await shared.mkdir("d");
    await shared.mkdir("e");
    const [first, second] = [newRun(), newRun()];
    await first.rm("d", true);
    await first.rm("e", true);
    await first.mkdir("e");
    await second.put("d/a", "1");
    await second.put("e/a", "1");
    await second.commit();
    expect(await first.contents()).toEqual({ e: null });
    expect(await first.outcome(first.read("d/a"))).toBe("ENOENT");
    expect(await first.outcome(first.read("e/a"))).toBe("ENOENT");
  });

  it.each([
    ["a file where a directory is now", "put", "mkdir"],
    ["a directory where a file is now", "mkdir", "put"],
  ] as const)("refuse %s, with nothing changed", async (_, mine, theirs) => {
    const act = { put: (run: Tree) => run.put("x", "1"), mkdir: (run: Tree) => run.mkdir("x") };
    const [first, second] = [newRun(), newRun()];
    await first.put("other", "1");
    await act[mine](first);
    await act[theirs](second);
    await second.commit();
    const before = await shared.contents();
    await expect(first.commit()).rejects.toMatchObject({ path: "x" });
    expect(await shared.contents()).toEqual(before);
    expect(quota.files).toBe(1);
  });

  it("refuse a file whose directory is a file now", async () => {
    await shared.mkdir("d");
    const [first, second] = [newRun(), newRun()];
    await first.put("d/a", "1");
    await second.rm("d", true);
    await second.put("d", "file");
    await second.commit();
    await expect(first.commit()).rejects.toMatchObject({ path: "d" });
    expect(await shared.contents()).toEqual({ d: "file" });
  });

  it("count as taken until they end, and not what they let go of", async () => {
    await shared.put("a", "x".repeat(40));
    const [first, second] = [newRun(), newRun()];
    await first.put("b", "y".repeat(50));
    expect(await second.outcome(second.put("c", "z".repeat(20)))).toBe("ENOSPC");
    await second.rm("c");
    expect(quota.bytes).toBe(90);
    await first.rm("b");
    expect([quota.bytes, quota.files]).toEqual([40, 1]);
    await second.put("c", "z".repeat(60));
    second.discard();
    expect([quota.bytes, quota.files]).toEqual([40, 1]);
  });

  it("need room for a file that they change, beside the one that all share", async () => {
    await shared.put("a", "x".repeat(60));
    const run = newRun();
    expect(await run.outcome(run.writeAt("a", 0, "y"))).toBe("ENOSPC");
    await run.append("a", "y");
    await run.commit();
    expect((await shared.read("a")).length).toBe(61);
    expect(quota.bytes).toBe(61);
  });

  it("move a directory whole, or not at all", async () => {
    await shared.mkdir("d");
    await shared.put("d/a", "x".repeat(30));
    await shared.put("d/b", "y".repeat(30));
    const run = newRun();
    await run.put("d/c", "z");
    const before = [await run.contents(), quota.bytes, quota.files];
    // For a copy of the first there is room, and for both there is not.
    await expect(run.rename("d", "e")).rejects.toMatchObject({ code: "ENOSPC" });
    expect([await run.contents(), quota.bytes, quota.files]).toEqual(before);
    await run.commit();
    expect(Object.keys(await shared.contents()).sort()).toEqual(["d", "d/a", "d/b", "d/c"]);
  });

  it("can hold as many files as there is room for", async () => {
    const run = newRun();
    for (let index = 0; index < 10; index++) await run.put(`f${index}`, "");
    expect(await run.outcome(run.put("f10", ""))).toBe("ENOSPC");
    expect(await run.outcome(run.mkdir("d"))).toBe("ENOSPC");
    await run.commit();
    expect([quota.bytes, quota.files]).toEqual([0, 10]);
  });
});
