import { expect } from "vitest";
import { gives, givesWhat } from "../expectations.ts";
import { type Family, needsBlocking, scripts } from "../vector.ts";

const prelude = `const code = async (act) => { try { await act(); return "went"; } catch (e) { return e.code ?? e.name; } };
const codes = async (paths, act) => { const all = []; for (const path of paths) all.push(await code(() => act(path))); return [...new Set(all)].sort(); };
`;

/** What no path may mean. */
const OUTSIDE = JSON.stringify([
  "..",
  "../x",
  "../../etc/passwd",
  "/",
  "/x",
  "/etc/passwd",
  "//etc/passwd",
  "/data/..",
  "/data/../x",
  "/data/a/../../x",
  "/data/./../x",
  "/data//..//x",
  "/database",
  "/data../x",
  "/DATA/x",
  "/Data/../etc/x",
  "file:///etc/passwd",
  "/proc/self/root/data/x",
  "C:/x",
]).replace('"file:///etc/passwd",', "");

/** What has a character that would mean something somewhere. */
const ODD = String.raw`["a\0", "\0/../x", "/data/x\0.txt", "..\\x", "a\\..\\..\\x", "\\\\server\\share", "\ud800", "a/\udfff"]`;

/** Names like any other: nothing is decoded, folded or expanded. */
const NAMES = JSON.stringify([
  "%2e%2e",
  "..%2fx",
  "%2e%2e%2fetc%2fpasswd",
  "%00",
  "...",
  "....",
  "~",
  "$HOME",
  "*",
  "．．",
  "․․",
  "..∕x",
  "file:x",
  "a:b",
  "__proto__",
  "constructor",
  "toString",
  " ",
  "-rf",
]);

/** A mount is all there is, by whatever path. */
export const fileEscape: Family = {
  name: "file escape",
  pool: { files: { maxBytes: 2 ** 16, maxFiles: 200 } },
  vectors: [
    ...scripts([
      [
        "paths that lead out of the mount, for everything that takes one",
        `${prelude}
        await fs.writeFile("own", "1");
        const acts = [fs.readFile, (p) => fs.writeFile(p, "x"), (p) => fs.appendFile(p, "x"), fs.readdir, fs.stat, (p) => fs.mkdir(p, { recursive: true }), (p) => fs.rm(p, { recursive: true, force: true }),
          (p) => fs.rename(p, "in"), (p) => fs.rename("own", p), (p) => fs.copyFile(p, "in"), (p) => fs.copyFile("own", p)];
        const all = new Set();
        for (const act of acts) for (const each of await codes(${OUTSIDE}.filter((p) => p !== "C:/x"), act)) all.add(each);
        const seen = [];
        for (const path of ${OUTSIDE}) if (await fs.exists(path)) seen.push(path);
        [[...all], seen, await fs.readdir("/data")]`,
        gives([["EACCES"], [], ["own"]]),
      ],
      [
        "characters that end or split names elsewhere",
        `${prelude} [await codes(${ODD}, (p) => fs.writeFile(p, "x")), await codes(${ODD}, fs.readFile)]`,
        gives([["EINVAL"], ["EINVAL"]]),
      ],
      [
        "names that look like ways out are names",
        `await fs.mkdir("names");
        const names = ${NAMES};
        for (const name of names) await fs.writeFile("names/" + name, name);
        const found = await fs.readdir("names");
        const texts = [];
        for (const name of names) texts.push(await fs.readFile("/data/names/" + name, "utf8"));
        await fs.rm("names", { recursive: true });
        [found.length, texts.every((text, index) => text === names[index]), await fs.exists("names")]`,
        gives([19, true, false]),
      ],
      [
        "paths that are no strings, or change while they are looked at",
        `${prelude}
        let asked = 0;
        const shifty = { toString() { return asked++ ? "/etc/passwd" : "own"; }, [Symbol.toPrimitive]() { return asked++ ? "/etc/passwd" : "own"; } };
        [await codes([shifty, new String("/etc/passwd"), ["/etc/passwd"], null, undefined, 3, true, new Uint8Array([47]), new Map()], fs.readFile), asked]`,
        // A function cannot even leave the sandbox.
        gives([["EINVAL", "TypeError"], 0]),
      ],
      [
        "operations that do not exist, through a host function's name",
        `[typeof host[":readFile"], typeof host.readFile, typeof hostSync[":open"], Object.keys(fs).length]`,
        gives(["undefined", "undefined", "undefined", 10]),
      ],
      [
        "a directory moved into itself, and the mount itself",
        `${prelude}
        await fs.mkdir("d/e", { recursive: true });
        const seen = [await codes(["d", "d/e", "d/e/f"], (p) => fs.rename("d", p)), await codes([".", "/data", "/data/"], (p) => fs.rename(p, "x")), await codes(["."], (p) => fs.rm(p, { recursive: true }))];
        await fs.rm("d", { recursive: true });
        seen`,
        gives([["EINVAL", "went"], ["EPERM"], ["EPERM"]]),
      ],
      [
        "what a path means does not depend on the guest's built-in objects",
        `String.prototype.startsWith = String.prototype.split = () => { throw 1; }; Array.prototype.join = () => "../../etc/passwd"; RegExp.prototype.test = () => false;
        let seen; try { await fs.readFile("/data/../etc/passwd"); } catch (e) { seen = e.code; } seen`,
        gives("EACCES"),
      ],
      [
        "errors tell nothing of the host",
        `try { await fs.readFile("/etc/passwd"); } catch (e) { [e.message, e.stack, e.path, e instanceof Error, Object.keys(e).sort()]; }`,
        givesWhat((told: unknown[]) => {
          expect(told).toEqual([
            "EACCES: permission denied: it is outside of /data, open '/etc/passwd'",
            expect.not.stringMatching(/node_modules|dist|\.js:|file:/),
            "/etc/passwd",
            true,
            ["code", "errno", "path", "syscall"],
          ]);
        }),
      ],
    ]),
    ...scripts(
      [
        [
          "a forged open file reaches no further",
          `const file = std.open("mine", "w");
          const FILE = file.constructor;
          const seen = [];
          const forged = new FILE("/etc/passwd", [true, true, false, 0]);
          for (const act of [() => forged.readAsString(), () => forged.puts("x"), () => forged.getline(), () => forged.read(new Uint8Array(4)), () => forged.seek(0, 2)]) {
            try { act(); seen.push("went"); } catch (e) { seen.push(e.code); }
          }
          for (const object of [Object.create(FILE.prototype), { __proto__: file }, {}]) {
            try { FILE.prototype.puts.call(object, "x"); seen.push("went"); } catch (e) { seen.push(e.name); }
          }
          os.remove("mine");
          seen`,
          gives([...Array(5).fill("EACCES"), ...Array(3).fill("TypeError")]),
        ],
        [
          "std and os, by the same paths",
          `const seen = new Set();
          for (const path of ${OUTSIDE}.filter((p) => p !== "C:/x")) {
            try { std.open(path, "w"); seen.add("went"); } catch (e) { seen.add(e.code); }
            seen.add(std.loadFile(path)).add(std.exists(path)).add(os.mkdir(path)).add(os.remove(path)).add(os.stat(path)[1]).add(os.readdir(path)[1]);
          }
          [...seen].map(String).sort()`,
          gives(["-13", "13", "EACCES", "false", "null"]),
        ],
      ],
      { skip: needsBlocking },
    ),
    {
      name: "a read-only mount, by every way to write",
      pool: { files: { readOnly: true } },
      async act({ pool }) {
        await pool.files.writeFile("/data/f", "kept");
        const codes = await pool.eval(`${prelude}
          const acts = [() => fs.writeFile("f", ""), () => fs.writeFile("f", "", { flag: "a" }), () => fs.appendFile("f", "x"), () => fs.rm("f"), () => fs.rm("none", { force: true }), () => fs.rename("f", "f"), () => fs.mkdir("."), () => fs.copyFile("f", "f")];
          const all = []; for (const act of acts) all.push(await code(act)); [...new Set(all)]`);
        return [codes, await pool.files.readFile("/data/f", "utf8"), pool.files.usage().files];
      },
      expect: gives([["EROFS"], "kept", 1]),
    },
  ],
};
