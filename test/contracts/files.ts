/** Files that sandboxes share: the same suite in every environment, on every backend it has. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FilesOptions, Pool, SkepError } from "skep";
import type { Backend } from "./file-backends.ts";
import { overlaysContract } from "./file-overlays.ts";
import type { Terrain } from "./suite.ts";

/** What a guest's errors look like in a result. */
const TOLD = `const told = async (act) => {
  try { return await act(); } catch (error) { return [error.name, error.code, error.message]; }
};
`;

/** What has to do with the engine as well. */
export function filesOnBackends(terrain: Terrain, backends: readonly Backend[]): void {
  for (const backend of backends) onBackend(terrain, backend);
}

export function filesContract(terrain: Terrain, backends: readonly Backend[]): void {
  filesOnBackends(terrain, backends);
  for (const backend of backends) overlaysContract(terrain, backend);
  describe(`files: ${terrain.environment}, ${terrain.engine}`, () => limits(terrain));
}

function onBackend(terrain: Terrain, backend: Backend): void {
  const { environment, engine, threaded } = terrain;
  /** Where std and os can work. */
  const canBlock = threaded ? terrain.signals : backend.name === "memory";

  describe(`files: ${environment}, ${engine}, ${backend.name}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        files: { backend: await backend.make(), maxBytes: 2 ** 20, maxFiles: 30 },
      });
    });
    afterAll(() => pool.close({ force: true }));
    beforeEach(async () => {
      for (const { name } of await pool.files.readdir("/data")) {
        await pool.files.rm(`/data/${name}`, { recursive: true });
      }
    });

    it("fs: writes, reads, lists and removes", async () => {
      const source = `
        await fs.mkdir("/data/a/b", { recursive: true });
        await fs.writeFile("/data/a/text", "héllo\\n");
        await fs.appendFile("/data/a/text", "wörld");
        await fs.writeFile("a/b/bytes", new Uint16Array([1, 513]).subarray(1));
        await fs.copyFile("a/text", "a/copy");
        await fs.rename("a/copy", "a/b/moved");
        const stats = await fs.stat("a/text");
        const all = {
          names: await fs.readdir("/data/a"),
          types: (await fs.readdir("a", { withFileTypes: true })).map((e) => [e.name, e.parentPath, e.isFile(), e.isDirectory()]),
          tree: await fs.readdir("/data", { recursive: true }),
          text: await fs.readFile("a/text", "utf8"),
          again: await fs.readFile("a/b/moved", { encoding: "utf-8" }),
          bytes: await fs.readFile("a/b/bytes"),
          stats: [stats.isFile(), stats.isDirectory(), stats.size, stats.mtime instanceof Date, Math.abs(Date.now() - stats.mtimeMs) < 60_000],
          there: [await fs.exists("a/text"), await fs.exists("a"), await fs.exists("b"), await fs.exists("../etc")],
        };
        await fs.rm("a", { recursive: true });
        await fs.rm("a", { force: true });
        all.left = await fs.readdir("/data");
        all`;
      expect(await pool.eval(source)).toEqual({
        names: ["b", "text"],
        types: [
          ["b", "a", false, true],
          ["text", "a", true, false],
        ],
        tree: ["a", "a/b", "a/text", "a/b/bytes", "a/b/moved"],
        text: "héllo\nwörld",
        again: "héllo\nwörld",
        bytes: new Uint8Array([1, 2]),
        stats: [true, false, 13, true, true],
        there: [true, true, false, false],
        left: [],
      });
      expect(pool.files.usage()).toMatchObject({ bytes: 0, files: 0 });
    });

    it("fs: rejects as Node does, and names path and operation", async () => {
      const source = `${TOLD}
        await fs.mkdir("d");
        await fs.writeFile("d/f", "1");
        const all = await Promise.all([
          () => fs.readFile("/data/none"), () => fs.readFile("d"), () => fs.readFile("d/f/g"), () => fs.stat("none"),
          () => fs.writeFile("none/f", ""), () => fs.writeFile("d", ""), () => fs.writeFile("d/f", "", { flag: "wx" }),
          () => fs.mkdir("d"), () => fs.mkdir("x/y"), () => fs.mkdir("d/f/x"), () => fs.rm("none"), () => fs.rm("d"),
          () => fs.rm("/data", { recursive: true }), () => fs.readdir("d/f"), () => fs.rename("none", "x"),
          () => fs.rename("d", "d/e"), () => fs.rename("d/f", "d"), () => fs.copyFile("d/f", "d/f", 1),
          () => fs.readFile("/etc/passwd"), () => fs.readFile("../x"), () => fs.readFile("a\\0b"), () => fs.writeFile("n".repeat(256), ""),
          () => fs.readFile(7), () => fs.writeFile("x", {}), () => fs.readFile("d/f", "latin1"), () => fs.rm("d", { maxRetries: 1 }),
        ].map(told));
        [all.map(([name, code]) => code ?? name), all[0][2], all[18][2]]`;
      expect(await pool.eval(source)).toEqual([
        [
          ..."ENOENT EISDIR ENOTDIR ENOENT ENOENT EISDIR EEXIST EEXIST ENOENT ENOTDIR".split(" "),
          ..."ENOENT EISDIR EPERM ENOTDIR ENOENT EINVAL EISDIR EEXIST EACCES EACCES".split(" "),
          ..."EINVAL ENAMETOOLONG EINVAL TypeError TypeError TypeError".split(" "),
        ],
        "ENOENT: no such file or directory, open '/data/none'",
        "EACCES: permission denied: it is outside of /data, open '/etc/passwd'",
      ]);
    });

    it("are one place for every worker and the host", async () => {
      await pool.files.mkdir("/data/d/e", { recursive: true });
      await pool.files.writeFile("/data/d/f", "from the host");
      expect(await pool.eval(`await fs.readFile("/data/d/f", "utf8")`)).toBe("from the host");
      await pool.eval(`await fs.writeFile("/data/d/g", "from a guest")`);
      expect(await pool.files.readFile("/data/d/g", "utf8")).toBe("from a guest");
      expect(await pool.files.readFile("/data/d/g")).toEqual(
        new TextEncoder().encode("from a guest"),
      );
      expect(await pool.files.readdir("/data", { recursive: true })).toEqual([
        { name: "d", type: "directory" },
        { name: "d/e", type: "directory" },
        { name: "d/f", type: "file" },
        { name: "d/g", type: "file" },
      ]);
      expect(await pool.files.stat("/data/d/f")).toMatchObject({ type: "file", size: 13 });
      await pool.files.appendFile("/data/d/f", new Uint8Array([33]));
      await pool.files.copyFile("/data/d/f", "/data/h");
      await pool.files.rename("/data/d/f", "/data/i");
      expect(await pool.files.readFile("/data/i", "utf8")).toBe("from the host!");
      expect(await pool.files.exists("/data/d/f")).toBe(false);
      await expect(pool.files.readFile("/data/d")).rejects.toMatchObject({ code: "EISDIR" });
      await expect(pool.files.readFile("/etc/passwd")).rejects.toMatchObject({ code: "EACCES" });
    });

    it("lose no append of many runs at once", async () => {
      const runs = backend.name === "memory" ? 30 : 10;
      const source = (run: number) =>
        `for (let i = 0; i < 5; i++) await fs.appendFile("/data/log", "${run}:" + i + "\\n")`;
      await Promise.all(Array.from({ length: runs }, (_, run) => pool.eval(source(run))));
      const lines = (await pool.files.readFile("/data/log", "utf8")).split("\n");
      expect(lines.pop()).toBe("");
      expect(lines.sort()).toEqual(
        Array.from({ length: runs * 5 }, (_, at) => `${Math.floor(at / 5)}:${at % 5}`).sort(),
      );
    });

    it("end at their quotas, and go on when something is removed", async () => {
      const source = `${TOLD}
        const big = new Uint8Array(2 ** 19);
        await fs.writeFile("a", big);
        await fs.writeFile("b", big);
        const full = await told(() => fs.appendFile("a", "x"));
        const size = (await fs.stat("a")).size;
        await fs.rm("b");
        await fs.appendFile("a", "x");
        const many = await told(async () => { for (let i = 0; ; i++) await fs.writeFile("f" + i, ""); });
        [full, size, (await fs.stat("a")).size, many, (await fs.readdir(".")).length]`;
      expect(await pool.eval(source)).toEqual([
        [
          "Error",
          "ENOSPC",
          "ENOSPC: no space left: files.maxBytes allows 1048576 bytes, of which 1048576 are taken, and 1 more are needed, open 'a'",
        ],
        2 ** 19,
        2 ** 19 + 1,
        [
          "Error",
          "ENOSPC",
          expect.stringContaining("files.maxFiles allows 30 files and directories"),
        ],
        30,
      ]);
    });

    if (canBlock) synchronous(() => pool, backend);
    else {
      it("std and os say what to use instead", async () => {
        const source = `${TOLD} await Promise.all([() => std.open("a", "w"), () => std.loadFile("a"), () => os.readdir("/data")].map(told))`;
        const refusal = ["TypeError", undefined, expect.stringContaining("await fs.readFile(path")];
        expect(await pool.eval(source)).toEqual([refusal, refusal, refusal]);
      });
    }
  });
}

function synchronous(poolOf: () => Pool, backend: Backend): void {
  it("std: runs what quickjs-emscripten's worker pool documents", async () => {
    const pool = poolOf();
    await pool.eval(`
  const fs = std.open('/data/shared.txt', 'w')
  fs.puts('Hello from worker 1!')
  fs.close()
`);
    const result = await pool.eval(`
  const fs = std.open('/data/shared.txt', 'r')
  const content = fs.readAsString()
  fs.close()
  content
`);
    expect(result).toBe("Hello from worker 1!");
  });

  it("std: files have a place, an end, and lines", async () => {
    const source = `
      const file = std.open("/data/f", "w+");
      const seen = [file.eof(), file.tell()];
      file.puts("one\\ntwo\\r\\nthré\\n\\nlast");
      seen.push(file.tell(), file.seek(0), file.getline(), file.tell(), file.getline(), file.getline(), file.tell(), file.getline(), file.eof(), file.getline(), file.getline(), file.eof());
      seen.push(file.seek(-4, std.SEEK_END), file.readAsString(2), file.seek(-1, std.SEEK_CUR), file.readAsString(), file.eof(), file.readAsString());
      seen.push(file.seek(-1), file.seek(3, 7), file.seek(0.5));
      file.seek(4);
      file.puts("TWO");
      file.flush();
      seen.push(std.loadFile("/data/f"), std.loadFile("/data/g"), std.exists("/data/f"), std.exists("g"), file.close());
      seen`;
    expect(await poolOf().eval(source)).toEqual([
      false,
      0,
      20,
      0,
      "one",
      4,
      "two\r",
      "thré",
      15,
      "",
      false,
      "last",
      null,
      true,
      0,
      "la",
      0,
      "ast",
      true,
      "",
      -22,
      -22,
      -22,
      "one\nTWO\r\nthré\n\nlast",
      null,
      true,
      false,
      0,
    ]);
  });

  it("std: bytes come and go in parts of buffers", async () => {
    const source = `
      const file = std.open("b", "wb+");
      const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);
      const seen = [file.write(bytes.buffer, 1, 3), file.write(bytes.subarray(4), 1), file.write(bytes, 0, 0)];
      file.seek(6);
      file.write(new Uint8Array([9]));
      file.seek(0);
      const into = new Uint8Array(10).fill(7);
      seen.push(file.read(into.buffer, 1, 4), file.eof(), file.read(into.subarray(6)), file.eof(), [...into]);
      for (const act of [() => file.read(into, 8, 3), () => file.write(into, 11), () => file.read(into, -1)]) {
        try { act(); seen.push("done"); } catch (error) { seen.push(error.name); }
      }
      seen`;
    expect(await poolOf().eval(source)).toEqual([
      3,
      1,
      0,
      4,
      false,
      3,
      true,
      [7, 2, 3, 4, 6, 7, 0, 0, 9, 7],
      "RangeError",
      "RangeError",
      "RangeError",
    ]);
  });

  it("std: modes mean what they do for fopen, and what is wrong is said", async () => {
    const source = `${TOLD}
      std.open("f", "w").puts("12345");
      const appended = std.open("f", "a+");
      const seen = [appended.tell()];
      appended.seek(0);
      appended.puts("6");
      seen.push(appended.tell(), std.loadFile("f"));
      const changed = std.open("f", "r+");
      changed.puts("ab");
      seen.push(std.loadFile("f"));
      const errors = {};
      seen.push(std.open("none", "r", errors), errors.errno, std.open("f", "wx", errors), errors.errno, std.open("f").readAsString());
      const closed = std.open("f", "r");
      closed.close();
      const all = await Promise.all([
        () => std.open("none", "r"), () => std.open("/data", "r"), () => std.open("f", "z"), () => std.open("f", "rx"),
        () => std.open("f", "r").puts("x"), () => std.open("f", "a").getline(), () => closed.puts("x"), () => closed.close(), () => closed.eof(),
      ].map(told));
      [seen, all]`;
    expect(await poolOf().eval(source)).toEqual([
      [5, 6, "123456", "ab3456", null, 2, null, 17, "ab3456"],
      [
        ["Error", "ENOENT", "ENOENT: no such file or directory, open 'none'"],
        ["Error", "EISDIR", "EISDIR: illegal operation on a directory, open '/data'"],
        [
          "Error",
          "EINVAL",
          `EINVAL: invalid argument: the mode must be r, w or a, with +, b and x, not "z", open 'f'`,
        ],
        ["Error", "EINVAL", expect.stringContaining('not "rx"')],
        ["TypeError", undefined, "The file was not opened for writing."],
        ["TypeError", undefined, "The file was not opened for reading."],
        ["TypeError", undefined, "The file is closed."],
        ["TypeError", undefined, "The file is closed."],
        ["TypeError", undefined, "The file is closed."],
      ],
    ]);
  });

  it("std: a file opened twice is one file", async () => {
    const source = `
      const [one, two] = [std.open("f", "w+"), std.open("f", "r+")];
      one.puts("first");
      two.puts("F");
      one.seek(0);
      [one.readAsString(), two.readAsString()]`;
    expect(await poolOf().eval(source)).toEqual(["First", "irst"]);
  });

  it("std: reads long lines and many lines with few calls", async () => {
    const source = `
      std.open("lines", "w").puts("x".repeat(100_000) + "\\n" + "y\\n".repeat(20_000) + "z".repeat(70_000));
      const file = std.open("lines");
      let lines = 0, bytes = 0;
      for (let line = file.getline(); line !== null; line = file.getline()) { lines++; bytes += line.length; }
      [lines, bytes, file.tell()]`;
    const outcome = await poolOf().execute({ eval: source });
    expect(outcome).toMatchObject({ ok: true, value: [20_002, 190_000, 210_001] });
    expect(outcome.receipt.hostCalls).toBeLessThan(20);
  });

  it("os: gives results and numbers of errors, as quickjs-libc does", async () => {
    const source = `
      const seen = [os.mkdir("d"), os.mkdir("d"), os.mkdir("x/y")];
      std.open("d/f", "w").puts("123");
      const [stat, error] = os.stat("d/f");
      seen.push([stat.size, stat.mode & os.S_IFMT, error], os.stat("d")[0].mode & os.S_IFMT, os.stat("none"));
      seen.push(os.readdir("d"), os.readdir("none"), os.readdir("/etc"), os.remove("d"), os.rename("d/f", "g"), os.remove("d"), os.remove("g"), os.remove("g"));
      seen`;
    expect(await poolOf().eval(source)).toEqual([
      0,
      -17,
      -2,
      [3, 0o100000, 0],
      0o040000,
      [null, 2],
      [["f"], 0],
      [[], 2],
      [[], 13],
      -39,
      0,
      0,
      0,
      -2,
    ]);
  });

  it("std: appends of many runs at once are all there", async () => {
    const pool = poolOf();
    const count = backend.name === "memory" ? 20 : 4;
    const source = `const log = std.open("/data/log", "a"); for (let i = 0; i < ${count}; i++) log.puts("line\\n")`;
    await Promise.all(Array.from({ length: count }, () => pool.eval(source)));
    expect(await pool.files.readFile("/data/log", "utf8")).toBe("line\n".repeat(count ** 2));
  });
}

/** What does not depend on the backend. */
function limits(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const canBlock = terrain.signals || !terrain.threaded;
  const common = { environment, engine, workers: 1 };

  it("are not there without the option", async () => {
    await using pool = await terrain.createPool(common);
    expect(await pool.eval("[typeof std, typeof os, typeof fs]")).toEqual(
      Array(3).fill("undefined"),
    );
    expect(() => pool.files).toThrow(/The pool has no files. Create it with createPool/);
  });

  it("on a read-only mount can be read and not changed, but by the host", async () => {
    await using pool = await terrain.createPool({
      ...common,
      files: { mount: "/library/v1", readOnly: true },
    });
    await pool.files.writeFile("/library/v1/f", "text");
    const source = `${TOLD}
      const acts = [() => fs.writeFile("f", ""), () => fs.appendFile("g", ""), () => fs.mkdir("d"), () => fs.rm("f"), () => fs.rename("f", "g"), () => fs.copyFile("f", "g")];
      const codes = (await Promise.all(acts.map(told))).map(([, code]) => code);
      [await fs.readFile("/library/v1/f", "utf8"), codes, (await told(() => fs.rm("f")))[2]]`;
    expect(await pool.eval(source)).toEqual([
      "text",
      Array(6).fill("EROFS"),
      "EROFS: read-only file system, rm 'f'",
    ]);
    if (canBlock)
      expect(await pool.eval(`[std.loadFile("f"), os.remove("f")]`)).toEqual(["text", -30]);
    expect(await pool.files.readFile("/library/v1/f", "utf8")).toBe("text");
  });

  it("count as host calls, and in bytes in and out", async () => {
    await using pool = await terrain.createPool({ ...common, files: {} });
    const source = `await fs.writeFile("f", "x".repeat(10_000)); (await fs.readFile("f")).length`;
    const { receipt } = await pool.execute({ eval: source });
    expect(receipt.hostCalls).toBe(2);
    expect(receipt.bytesOut).toBeGreaterThan(10_000);
    expect(receipt.bytesIn).toBeGreaterThan(10_000);
    const failing = async (limit: object) =>
      pool.eval(source, limit).catch((error: SkepError) => error.code);
    expect(await failing({ hostCalls: 1 })).toBe("host-calls-exceeded");
    expect(await failing({ bytesOut: 5_000 })).toBe("output-exceeded");
    expect(await failing({ bytesIn: 5_000 })).toBe("input-exceeded");
  });

  it("keep working in a sandbox whose built-in objects were replaced", async () => {
    await using pool = await terrain.createPool({ ...common, files: {} });
    const source = `
      Promise.prototype.then = Array.prototype.push = String.prototype.slice = () => { throw new Error("mine"); };
      Object.defineProperty(Object.prototype, "get", { get() { throw new Error("mine"); }, configurable: true });
      Uint8Array.prototype.set = null; delete globalThis.Promise; delete globalThis.Date;
      for (const name of ["errno", "encoding", "flag", "recursive"]) Object.prototype[name] = undefined;
      await fs.writeFile("d", new Uint8Array([104, 105]));
      [await fs.readFile("d", "utf8"), await fs.readdir("."), (await fs.stat("d")).size]`;
    expect(await pool.eval(source)).toEqual(["hi", ["d"], 2]);
  });

  it("cannot be used while definitions are installed", async () => {
    const made = terrain.createPool({
      ...common,
      files: {},
      bootstrap: `await fs.writeFile("f", "1")`,
    });
    await expect(made).rejects.toMatchObject({
      code: "install-failed",
      message: expect.stringContaining("Files cannot be used while definitions are installed."),
    });
  });

  it.runIf(canBlock)(
    "opened in one run can be used in a later one of the same sandbox",
    async () => {
      await using pool = await terrain.createPool({ ...common, isolation: "worker", files: {} });
      await pool.eval(
        `globalThis.file = std.open("f", "w+"); file.puts("one\\ntwo\\n"); file.seek(0); file.getline()`,
      );
      expect(await pool.eval("[file.getline(), file.tell(), file.getline()]")).toEqual([
        "two",
        8,
        null,
      ]);
    },
  );

  it("are refused where there is no such storage, and nothing is left running", async () => {
    const given: [FilesOptions, string][] = terrain.node
      ? [
          [{ backend: "opfs" }, "unsupported-environment"],
          [{ backend: { directory: "/nowhere/at/all" } }, "invalid-argument"],
        ]
      : [[{ backend: { directory: "/tmp" } }, "unsupported-environment"]];
    for (const [files, code] of given) {
      await expect(terrain.createPool({ ...common, files })).rejects.toMatchObject({ code });
    }
  });
}
