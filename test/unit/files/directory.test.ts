/** The directory backend is confined to its directory, whatever is put into it. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDirectory } from "../../../dist/files/directory.node.js";
import { Tree } from "./tree.ts";

let home: string;
let mount: string;
let tree: Tree;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "skep-directory-"));
  mount = join(home, "mount");
  await mkdir(join(mount, "inner"), { recursive: true });
  await mkdir(join(home, "outside"));
  await writeFile(join(home, "outside", "secret"), "secret");
  await writeFile(join(mount, "own"), "own");
  ({ tree } = Tree.on(await openDirectory(mount)));
});
afterEach(() => rm(home, { recursive: true }));

describe.skipIf(process.platform === "win32")("links", () => {
  beforeEach(async () => {
    await symlink(join(home, "outside"), join(mount, "dir"));
    await symlink(join(home, "outside", "secret"), join(mount, "file"));
    await symlink(join(mount, "own"), join(mount, "inward"));
    await symlink(join(home, "outside", "new"), join(mount, "dangling"));
    await symlink("..", join(mount, "inner", "up"));
    await symlink("loop", join(mount, "loop"));
  });

  it.each([
    "dir",
    "dir/secret",
    "dir/new",
    "file",
    "inward",
    "dangling",
    "inner/up/own",
    "inner/up/../../outside/secret",
    "loop",
  ])("%s is not followed by anything", async (path) => {
    const before = await tree.contents();
    const refused = expect.stringMatching(/^(EACCES|ENOENT|ENOTDIR)$/);
    expect(await tree.outcome(tree.read(path))).toEqual(refused);
    expect(await tree.outcome(tree.put(path, "x"))).toEqual(refused);
    expect(await tree.outcome(tree.append(path, "x"))).toEqual(refused);
    expect(await tree.outcome(tree.mkdir(path))).toEqual(refused);
    expect(await tree.outcome(tree.rm(path, true))).toEqual(refused);
    expect(await tree.outcome(tree.rename("own", path))).toEqual(refused);
    expect(await tree.outcome(tree.rename(path, "taken"))).toEqual(refused);
    expect(await tree.outcome(tree.copy(path, "copied"))).toEqual(refused);
    expect(await tree.contents()).toEqual(before);
    expect(await readdir(join(home, "outside"))).toEqual(["secret"]);
    expect(await readFile(join(home, "outside", "secret"), "utf8")).toBe("secret");
  });

  it("are not listed, nor gone into", async () => {
    expect(await tree.contents()).toEqual({ inner: null, own: "own" });
  });

  it("to the mount itself are fine: the directory is the one that was opened", async () => {
    await symlink(mount, join(home, "alias"));
    const { tree: aliased } = Tree.on(await openDirectory(join(home, "alias")));
    expect(await aliased.read("own")).toBe("own");
  });

  it("in the place of the opened directory are refused", async () => {
    await rm(mount, { recursive: true });
    await symlink(join(home, "outside"), mount);
    expect(await tree.outcome(tree.read("secret"))).toBe("EACCES");
  });
});

describe("the directory", () => {
  it.skipIf(process.platform === "win32")("has no pipes, which would be waited for", async () => {
    execFileSync("mkfifo", [join(mount, "pipe")]);
    expect(await tree.outcome(tree.read("pipe"))).toBe("EACCES");
    expect(await tree.outcome(tree.put("pipe", "x"))).toBe("EACCES");
    expect(await tree.contents()).toEqual({ inner: null, own: "own" });
  });

  it("says nothing of where it is", async () => {
    await rm(mount, { recursive: true });
    const error = await tree.put("x", "1").catch((error: unknown) => error as Error);
    expect(JSON.stringify([String(error), { ...(error as object) }])).not.toContain(home);
  });

  it.each([
    ["nothing", "nowhere"],
    ["a file", "mount/own"],
  ])("is not opened where there is %s", async (_, path) => {
    await expect(openDirectory(join(home, path))).rejects.toThrow();
  });

  it("counts what is there already", async () => {
    const backend = await openDirectory(mount);
    expect(await backend.usage()).toEqual({ bytes: 3, files: 2 });
  });
});
