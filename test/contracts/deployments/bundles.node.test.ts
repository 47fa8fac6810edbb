/** What a bundle may be made of: modules of all kinds, TypeScript, packages, several scripts. */
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Deployments } from "skep/deployments";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, failure } from "./started.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

let deployments: Deployments;
beforeAll(() => {
  deployments = new Deployments({ environment: "worker-threads", maxFiles: 20, maxBytes: 100_000 });
});
afterAll(() => deployments.close({ force: true }));

function configured(
  files: Record<string, string>,
  scripts: string[],
  language = "node",
): Record<string, string> {
  const configuration = { language_id: language, path: ".", scripts };
  return { "metacall.json": JSON.stringify(configuration), ...files };
}

describe("modules", () => {
  it("import each other, whatever they are", async () => {
    const files = configured(
      {
        "main.mjs": `
          import { one } from "./lib/one";
          import legacy from './lib/legacy.cjs';
          import data from "./data.json";
          export { two as deux } from "./lib/index.js";
          export const all = async () => [one(), legacy.three(), data.four, (await import("./late.mjs")).five];
          export default () => "whole";
        `,
        "lib/one.js": "import { two } from './index.js'; export const one = () => two() - 1;",
        "lib/index.js": "import './one.js'; export function two() { return 2; }",
        "lib/legacy.cjs": "const parts = require('./parts'); exports.three = () => parts.three;",
        "lib/parts/index.js": "exports.three = require('../../data').three;",
        "data.json": '{ "three": 3, "four": 4, "__proto__": { "polluted": true } }',
        "late.mjs": "export const five = 5;",
        "unused.js": "this is never read",
      },
      ["main.mjs"],
    );
    await deployments.deploy({ suffix: "modules", files });
    expect(await deployments.invoke("modules", "all")).toEqual([1, 3, 4, 5]);
    expect(await deployments.invoke("modules", "deux")).toBe(2);
    expect(await deployments.invoke("modules", "default")).toBe("whole");
  });

  it("may be CommonJS whose exports are a function", async () => {
    const files = bundle(
      "f.js",
      "module.exports = (n) => n * 2; module.exports.thrice = (n) => n * 3;",
    );
    await deployments.deploy({ suffix: "whole", files });
    expect(await deployments.invoke("whole", "default", [2])).toBe(4);
    expect(await deployments.invoke("whole", "thrice", [2])).toBe(6);
  });

  it("are what package.json says, and else what they look like", async () => {
    const files = configured(
      {
        "package.json": '{ "type": "module" }',
        "a.js":
          "globalThis.strict = (function () { return this === undefined; })(); export const a = () => strict;",
        "old/package.json": '{ "type": "commonjs" }',
        "old/b.js": "exports.b = () => typeof module;",
      },
      ["a.js", "old/b.js"],
    );
    await deployments.deploy({ suffix: "kinds", files });
    expect(await deployments.invoke("kinds", "a")).toBe(true);
    expect(await deployments.invoke("kinds", "b")).toBe("object");
  });

  it("may be TypeScript, and errors name its lines", async () => {
    const files = configured(
      {
        "main.ts": `import { area, type Shape } from "./shapes.js";
          interface Options { scale?: number }
          export async function scaled(shape: Shape, { scale = 2 }: Options = {}): Promise<number> {
            return area(shape) * scale;
          }
          export const wrong = (user: { name: string } | null): string => user!.name;`,
        "shapes.ts":
          "export interface Shape { side: number }\nexport const area = (s: Shape): number => s.side ** 2;",
      },
      ["main.ts"],
      "ts",
    );
    const metadata = await deployments.deploy({ suffix: "typed", files });
    expect(await deployments.invoke("typed", "scaled", [{ side: 3 }])).toBe(18);
    const funcs = metadata.packages["ts"]![0]!.scope.funcs;
    expect(funcs.map(({ name, async }) => [name, async])).toEqual([
      ["scaled", true],
      ["wrong", false],
    ]);
    const error = await failure(deployments.invoke("typed", "wrong", [null]));
    expect(error.location).toMatchObject({ file: "./main.ts", line: 6 });
  });

  it("share their state between calls where that is asked for", async () => {
    const files = bundle("a.mjs", "let n = 0; export const next = () => ++n;");
    await deployments.deploy({ suffix: "state", files, isolation: "worker" });
    expect(await deployments.invoke("state", "next")).toBe(1);
    expect(await deployments.invoke("state", "next")).toBe(2);
  });

  it("reach what the deployment was given, and nothing else", async () => {
    const files = bundle(
      "a.mjs",
      `import { twice } from "given";
       export const all = async () => [twice(2), constants.NAME, await host.shout("hi")];
       export const rest = () => [typeof process, typeof require, typeof fetch];`,
    );
    await deployments.deploy({
      suffix: "given",
      files,
      constants: { NAME: "name" },
      host: { shout: (text: string) => text.toUpperCase() },
      dependencies: { given: { source: "export const twice = (n) => n * 2;" } },
    });
    expect(await deployments.invoke("given", "all")).toEqual([4, "name", "HI"]);
    expect(await deployments.invoke("given", "rest")).toEqual(Array(3).fill("undefined"));
  });

  it("of which several export a name keep them apart", async () => {
    const files = configured(
      {
        "a.js": "exports.which = () => 'a'; exports.onlyA = () => 1;",
        "sub/b.js": "exports.which = () => 'b';",
      },
      ["a.js", "sub/b.js"],
    );
    await deployments.deploy({ suffix: "names", files });
    expect(await deployments.invoke("names", "a.js:which")).toBe("a");
    expect(await deployments.invoke("names", "sub/b.js:which")).toBe("b");
    expect(await deployments.invoke("names", "onlyA")).toBe(1);
    const error = await failure(deployments.invoke("names", "which"));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toBe(
      'Several scripts export "which". Say which: a.js:which, sub/b.js:which.',
    );
  });
});

describe("packages", () => {
  const manifest = JSON.stringify({ dependencies: { "lodash-es": "^4.17.0", nanoid: "*" } });

  it("are bundled where package.json names them, for import and for require", async () => {
    const files = configured(
      {
        "package.json": manifest,
        "a.mjs":
          "import { chunk } from 'lodash-es'; export const chunks = (list) => chunk(list, 2);",
        "b.cjs":
          "const { customAlphabet } = require('nanoid'); exports.id = () => customAlphabet('a', 3)();",
      },
      ["a.mjs", "b.cjs"],
    );
    const packagesFrom = relative(process.cwd(), root) || ".";
    await deployments.deploy({ suffix: "packages", files, packagesFrom });
    expect(await deployments.invoke("packages", "chunks", [[1, 2, 3]])).toEqual([[1, 2], [3]]);
    expect(await deployments.invoke("packages", "id")).toBe("aaa");
  });

  it.each([
    ["import 'zod'; export const f = () => 1;", /"zod", which .\/a.mjs imports, is not among/],
    ["import 'node:fs'; export const f = () => 1;", /"node:fs".*not among.*Modules of Node cannot/],
    ["import 'lodash-es/../../x.js'; export const f = 1;", /not among the dependencies/],
    ["import '/etc/passwd'; export const f = 1;", /not among the dependencies/],
    ["import './absent.js'; export const f = 1;", /"\.\/absent\.js".*is not in the bundle/],
    ["import '../../outside.js'; export const f = 1;", /is not in the bundle/],
    ["export const f = 1;", /export no function/],
    ["export const f = () => 1; for (;;);", /a\.mjs".*did not finish within 200 ms/],
    ["export const f = (", /a\.mjs".*SyntaxError/],
  ])("%s is refused", async (source, message) => {
    const files = configured({ "package.json": manifest, "a.mjs": source }, ["a.mjs"]);
    const error = await failure(
      deployments.deploy({ suffix: "refused", files, packagesFrom: root, installTimeoutMs: 200 }),
    );
    expect(error.message).toMatch(message);
    expect(deployments.list().map(({ suffix }) => suffix)).not.toContain("refused");
  });

  it("that are not installed, or in another version, are refused", async () => {
    const use = "import x from 'not-there-at-all'; export const f = () => x;";
    for (const [dependencies, message] of [
      [{ "not-there-at-all": "1.0.0" }, /is not installed/],
      [{ "not-there-at-all": ">=1 <3" }, /cannot be checked/],
    ] as const) {
      const files = configured({ "package.json": JSON.stringify({ dependencies }), "a.mjs": use }, [
        "a.mjs",
      ]);
      expect((await failure(deployments.deploy({ suffix: "no", files }))).message).toMatch(message);
    }
  });
});

describe("configurations and folders", () => {
  it.each([
    [{}, /Add a metacall\.json/],
    [{ "metacall.json": "{" }, /metacall\.json is not JSON/],
    [{ "metacall.json": "null" }, /must be an object/],
    [{ "metacall.json": '{"language_id":"py","scripts":["a.py"]}' }, /runs node, js, ts only/],
    [{ "metacall.json": '{"language_id":"node","scripts":[]}' }, /scripts must be a list/],
    [{ "metacall.json": '{"language_id":"node","scripts":["../a.js"]}' }, /no file of the bundle/],
    [{ "metacall.json": '{"language_id":"node","scripts":["a.js"]}' }, /not in the bundle/],
    [{ "../a.js": "" }, /no place in a bundle/],
    [{ "/etc/a.js": "" }, /no place in a bundle/],
    [{ "a.js": 1 as unknown as string }, /must be text/],
    [{ "a.js": "x".repeat(100_001) }, /larger than 100000/],
    [Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`${n}.js`, ""])), /21 files; 20/],
  ])("%j is refused", async (files, message) => {
    const error = await failure(deployments.deploy({ suffix: "bad", files }));
    expect([error.code, error.message]).toEqual([
      "invalid-argument",
      expect.stringMatching(message),
    ]);
  });

  it.each([
    [{ suffix: "" }, /suffix must be/],
    [{ suffix: "a/b" }, /suffix must be/],
    [{ version: ".." }, /version must be/],
    [{ path: "." }, /either files or a path/],
    [{ limits: 5 }, /limits: options must be an object/],
    [{ limits: { timeout: 5 } }, /Did you mean "timeoutMs"/],
    [{ memoryBytes: 5 }, /there is no option "memoryBytes"/],
    [{ environment: "nowhere" }, /"nowhere" does not exist/],
  ])("options %j are refused", async (options, message) => {
    const input = { suffix: "bad", files: bundle("a.js", "exports.f = () => 1"), ...options };
    expect((await failure(deployments.deploy(input as never))).message).toMatch(message);
  });

  it("are read from disk, without what is hidden, linked or installed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "skep-bundle-"));
    try {
      await mkdir(join(folder, "src"));
      await mkdir(join(folder, "node_modules"));
      const outside = join(folder, "..", `${folder.split("/").at(-1)}-secret.js`);
      await writeFile(outside, "exports.secret = 'host';");
      await writeFile(join(folder, "src/a.js"), "exports.f = () => 'from disk';");
      await writeFile(join(folder, "src/b.js"), "exports.g = () => require('./link.js').secret;");
      await writeFile(join(folder, ".env.json"), "not JSON");
      await writeFile(join(folder, "node_modules/metacall.json"), "not JSON");
      await symlink(outside, join(folder, "src/link.js"));
      const path = folder;
      const js = { language_id: "js", path: "src", scripts: ["a.js"] };
      await deployments.deploy({ suffix: "disk", path, jsons: [js] });
      expect(await deployments.invoke("disk", "f")).toBe("from disk");
      const linked = { ...js, scripts: ["b.js"] };
      const error = await failure(deployments.deploy({ suffix: "disk", path, jsons: [linked] }));
      expect(error.message).toMatch(/link\.js.*is not in the bundle/);
      await rm(outside);
    } finally {
      await rm(folder, { recursive: true });
    }
    const error = await failure(deployments.deploy({ suffix: "disk", path: folder }));
    expect(error.message).toMatch(/cannot be read \(ENOENT\)/);
  });
});
