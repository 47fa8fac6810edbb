/** Every way to keep files does the same; and a run's overlay looks as if it were the files themselves. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { commit } from "../../../dist/files/commit.js";
import { openDirectory } from "../../../dist/files/directory.node.js";
import { MemoryBackend } from "../../../dist/files/memory.js";
import { Overlay } from "../../../dist/files/overlay.js";
import { Tree } from "./tree.ts";

const directories: string[] = [];
async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skep-files-"));
  directories.push(directory);
  return directory;
}
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

const PATHS = ["a", "b", "d", "d/a", "d/e", "d/e/f", "a/x"];
type Step = [act: string, path: string, other: string, amount: number];
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom("put", "append", "writeAt", "mkdir", "rm", "rename", "copy"),
  fc.constantFrom(...PATHS),
  fc.constantFrom(...PATHS),
  fc.nat(6),
);

function perform(tree: Tree, [act, path, other, amount]: Step): Promise<string | undefined> {
  const text = "x".repeat(amount);
  if (act === "put") return tree.outcome(tree.put(path, text));
  if (act === "append") return tree.outcome(tree.append(path, text));
  if (act === "writeAt") return tree.outcome(tree.writeAt(path, amount, text));
  if (act === "mkdir") return tree.outcome(tree.mkdir(path, amount > 3));
  if (act === "rm") return tree.outcome(tree.rm(path, amount > 2));
  if (act === "rename") return tree.outcome(tree.rename(path, other));
  return tree.outcome(tree.copy(path, other));
}

/** What the files really take, by looking. */
async function usageOf(tree: Tree): Promise<{ bytes: number; files: number }> {
  const contents = Object.values(await tree.contents());
  return {
    bytes: contents.reduce((sum, text) => sum + (text?.length ?? 0), 0),
    files: contents.length,
  };
}

describe("backends", () => {
  it("directory: does what memory does, and counts right", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const memory = Tree.on(new MemoryBackend());
        const disk = Tree.on(await openDirectory(await newDirectory()));
        for (const each of steps) {
          expect(await perform(disk.tree, each)).toBe(await perform(memory.tree, each));
        }
        expect(await disk.tree.contents()).toEqual(await memory.tree.contents());
        const { bytes, files } = disk.quota;
        expect({ bytes, files }).toEqual(await usageOf(disk.tree));
        expect({ bytes, files }).toEqual({
          bytes: memory.quota.bytes,
          files: memory.quota.files,
        });
      }),
      { numRuns: 40 },
    );
  });

  it("overlay: is what the files would be, and commits to that", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(step, { maxLength: 25 }),
        async (before, steps) => {
          const plain = Tree.on(new MemoryBackend());
          const shared = Tree.on(new MemoryBackend());
          for (const each of before) {
            await perform(plain.tree, each);
            await perform(shared.tree, each);
          }
          const untouched = await shared.tree.contents();
          const overlay = new Overlay(shared.tree.volume, shared.quota);
          const run = new Tree(overlay);
          for (const each of steps) {
            expect(await perform(run, each)).toBe(await perform(plain.tree, each));
            expect(await run.contents()).toEqual(await plain.tree.contents());
          }
          expect(await shared.tree.contents()).toEqual(untouched);
          await shared.tree.turns.perform(commit(shared.tree.volume, overlay.takeChanges()));
          expect(await shared.tree.contents()).toEqual(await plain.tree.contents());
          const { bytes, files } = shared.quota;
          expect({ bytes, files }).toEqual(await usageOf(shared.tree));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("overlay: leaves nothing when it is given up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { tree, quota } = Tree.on(new MemoryBackend());
        await tree.put("a", "kept");
        const overlay = new Overlay(tree.volume, quota);
        const run = new Tree(overlay);
        for (const each of steps) await perform(run, each);
        overlay.discard();
        expect(await tree.contents()).toEqual({ a: "kept" });
        expect([quota.bytes, quota.files]).toEqual([4, 1]);
      }),
      { numRuns: 50 },
    );
  });

  it("memory: keeps files of many pieces, gaps and ends", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.nat(200_000), fc.nat(150_000), fc.constantFrom("write", "resize", "append")),
          { maxLength: 12 },
        ),
        (writes) => {
          const memory = new MemoryBackend();
          memory.resize("f", 0);
          let model = Buffer.alloc(0);
          writes.forEach(([position, length, act], index) => {
            if (act === "resize") {
              memory.resize("f", position);
              model = Buffer.concat([
                model.subarray(0, position),
                Buffer.alloc(Math.max(0, position - model.length)),
              ]);
              return;
            }
            const bytes = Buffer.alloc(length, index + 1);
            const at = act === "append" ? model.length : position;
            if (act === "append") memory.append("f", bytes);
            else memory.write("f", at, bytes);
            if (length === 0) return;
            const next = Buffer.alloc(Math.max(model.length, at + length));
            model.copy(next);
            bytes.copy(next, at);
            model = next;
          });
          expect(memory.stat("f")?.size).toBe(model.length);
          expect(Buffer.compare(memory.read("f", 0, 1e9), model)).toBe(0);
          expect(
            Buffer.compare(memory.read("f", 65_000, 2_000), model.subarray(65_000, 67_000)),
          ).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
