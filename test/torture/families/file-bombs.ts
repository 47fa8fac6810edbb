import { expect } from "vitest";
import { failsWith, gives, givesWhat } from "../expectations.ts";
import { type Family, needsBlocking, scripts, type Vector } from "../vector.ts";

const MAXIMUM_BYTES = 2 ** 20;
const prelude = `const until = async (act) => { for (let i = 0; ; i++) { try { await act(i); } catch (e) { return [e.code ?? e.name, i]; } } };
`;

/** On a pool of its own, where what is left can be counted. */
function alone(
  name: string,
  act: NonNullable<Extract<Vector, { act: unknown }>["act"]>,
  expect: Vector["expect"],
  perRun: "shared" | "overlay" = "shared",
): Vector {
  return { name, act, expect, pool: { files: { maxBytes: MAXIMUM_BYTES, maxFiles: 100, perRun } } };
}

/** What fills a mount ends at its quota, and what keeps the host busy at the limits of a run. */
export const fileBombs: Family = {
  name: "file bombs",
  pool: { files: { maxBytes: MAXIMUM_BYTES, maxFiles: 100 } },
  slow: ["operations without end, awaited and not"],
  vectors: [
    alone(
      "bytes, files, directories and copies without end",
      async ({ pool }) => {
        const ends = await pool.eval(`${prelude}
          const big = "x".repeat(100_000);
          const seen = [await until(() => fs.appendFile("a", big)), await until((i) => fs.copyFile("a", "c" + i))];
          await fs.rm("a", { force: true });
          seen.push(await until((i) => fs.writeFile("f" + i, "")), await until((i) => fs.mkdir("d" + i)));
          seen`);
        const { bytes, files } = pool.files.usage();
        return [ends, bytes <= MAXIMUM_BYTES, files];
      },
      gives([
        [
          ["ENOSPC", 10],
          ["ENOSPC", 0],
          ["ENOSPC", 99],
          ["ENOSPC", 0],
        ],
        true,
        100,
      ]),
    ),
    {
      ...alone(
        "a file with a gap of petabytes",
        async ({ pool }) => {
          const seen = await pool.eval(`const file = std.open("f", "w+"); const codes = [];
            for (const place of [2 ** 21, 2 ** 40, 2 ** 53 - 1]) { file.seek(place); try { file.puts("x"); } catch (e) { codes.push(e.code); } }
            codes`);
          return [seen, pool.files.usage().bytes];
        },
        gives([["ENOSPC", "ENOSPC", "ENOSPC"], 0]),
      ),
      skip: needsBlocking,
    },
    alone(
      "the same quota filled by runs that fail, again and again",
      async ({ pool }) => {
        const source = `await fs.writeFile("f", "x".repeat(900_000)); await fs.mkdir("a/b/c", { recursive: true }); throw 1`;
        for (let run = 0; run < 4; run++) await pool.eval(source).catch(() => {});
        const { bytes, files } = pool.files.usage();
        return [bytes, files, await pool.eval(`await fs.readdir(".")`)];
      },
      gives([0, 0, []]),
      "overlay",
    ),
    alone(
      "trees deeper than any path, made by moving one into another",
      async ({ pool }) => {
        const code = await pool.eval(`${prelude}
          const deep = Array(40).fill("d").join("/");
          await fs.mkdir("t0/" + deep, { recursive: true });
          const first = await until(async (i) => { await fs.mkdir("n/" + deep, { recursive: true }); await fs.rename("t" + i, "n/" + deep + "/t"); await fs.rename("n", "t" + (i + 1)); });
          const second = await until((i) => fs.mkdir(Array(i + 1).fill("x").join("/"), { recursive: true }));
          [first[0], second[0]]`);
        for (const { name } of await pool.files.readdir("/data"))
          await pool.files.rm(`/data/${name}`, { recursive: true });
        return [code, pool.files.usage().files];
      },
      gives([["ENOSPC", "ENOSPC"], 0]),
    ),
    {
      name: "the same, where there is room for it",
      pool: { files: {} },
      async act({ pool }) {
        const codes = await pool.eval(`${prelude}
          const deep = Array(60).fill("d").join("/");
          await fs.mkdir("t0/" + deep, { recursive: true });
          const first = await until(async (i) => { await fs.mkdir("n/" + deep, { recursive: true }); await fs.rename("t" + i, "n/" + deep + "/t"); await fs.rename("n", "t" + (i + 1)); });
          const second = await until((i) => fs.mkdir(Array(i + 1).fill("x").join("/"), { recursive: true }));
          for (const name of await fs.readdir(".")) await fs.rm(name, { recursive: true });
          [first, second]`);
        return [codes, pool.files.usage().files];
      },
      expect: gives([
        [
          ["ENAMETOOLONG", 1],
          ["ENAMETOOLONG", 128],
        ],
        0,
      ]),
    },
    ...scripts(
      [
        [
          "copies, which no bytes cross the wall for, count as input",
          `await fs.writeFile("a", "x".repeat(500_000)); for (;;) await fs.copyFile("a", "b")`,
          failsWith("input-exceeded"),
        ],
        [
          "operations without end, awaited and not",
          `for (;;) fs.exists("a")`,
          failsWith("host-calls-exceeded"),
        ],
      ],
      { limits: { hostCalls: 500, bytesIn: 2 ** 22 } },
    ),
    ...scripts([
      [
        "names and paths of any length",
        `const codes = [];
        for (const path of ["n".repeat(256), "é".repeat(128), "a/".repeat(3000), "x".repeat(1_000_000), "../".repeat(2000)]) { try { await fs.writeFile(path, ""); codes.push("went"); } catch (e) { codes.push(e.code, e.message.length < 400); } }
        codes`,
        gives(Array.from({ length: 5 }, () => ["ENAMETOOLONG", true]).flat()),
      ],
      [
        "data that is no data",
        `const codes = [];
        for (const data of [null, undefined, 7, {}, [1], { length: 4, 0: 1 }, new Map(), () => 1, Symbol.iterator, { buffer: new ArrayBuffer(4), byteLength: 4 }]) { try { await fs.writeFile("f", data); codes.push("went"); } catch (e) { codes.push(e.name); } }
        [codes, await fs.exists("f")]`,
        gives([Array(10).fill("TypeError"), false]),
      ],
      [
        "options with accessors that throw or change",
        `let asked = 0;
        const shifty = { get recursive() { asked++; throw new RangeError("mine"); } };
        const seen = [];
        for (const act of [() => fs.mkdir("x", shifty), () => fs.rm("x", shifty), () => fs.readdir(".", shifty)]) { try { await act(); } catch (e) { seen.push(e.message); } }
        [seen, asked]`,
        gives([["mine", "mine", "mine"], 3]),
      ],
    ]),
    {
      slow: true,
      name: "a flood of appends from many runs ends at the quota, with whole lines",
      pool: { files: { maxBytes: 10_000 } },
      async act({ pool }) {
        const source = `for (let i = 0; i < 50; i++) await fs.appendFile("log", "0123456\\n").catch(() => {})`;
        await Promise.all(Array.from({ length: 30 }, () => pool.eval(source)));
        return pool.files.readFile("/data/log", "utf8");
      },
      expect: givesWhat((text: string) => expect(text).toBe("0123456\n".repeat(1_250))),
    },
  ],
};
