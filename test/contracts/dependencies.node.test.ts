/** Where the source of dependencies comes from, and what happens when it does not. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool, type DependencyInput, InstallError, type Pool } from "skep";

let pool: Pool;
beforeAll(async () => {
  pool = await createPool({
    workers: 2,
    installTimeoutMs: 2_000,
    dependencies: { kept: { source: "export const n = 1;" } },
  });
});
afterAll(() => pool.close());

/** Refused with the reason; all else is as it was. */
async function expectRefusal(input: DependencyInput, reason: RegExp): Promise<void> {
  const before = pool.registry();
  const error: unknown = await pool
    .define({ functions: { f: "() => 1" }, dependencies: { bad: input } })
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(InstallError);
  expect(error).toMatchObject({ code: "install-failed", kind: "dependency", definition: "bad" });
  expect((error as Error).message).toMatch(reason);
  expect(pool.registry()).toMatchObject({ ...before, revision: expect.any(Number) });
  expect(await pool.eval("(await import('kept')).n")).toBe(1);
}

describe("npm", () => {
  let project: string;
  const home = process.cwd();
  const files = {
    "uses-fs/index.js": 'import { readFileSync } from "node:fs";\nexport const f = readFileSync;',
    "uses-it-deep/index.js": 'export * from "./lib/a.js";',
    "uses-it-deep/lib/a.js": 'const fs = require("fs/promises");\nexport const a = fs;',
    "may-use-fs/index.js":
      'let fs; try { fs = require("fs"); } catch {}\nexport const has = fs !== undefined;',
    "throws/index.js": 'throw new TypeError("not today");',
    "throws-late/index.js": 'await 0;\nthrow new RangeError("a little later");',
    "loops/index.js": "for (;;) {}",
    "waits/index.js": "await new Promise(() => {});",
    "broken/index.js": "export const x = ;",
    "lacks/index.js": 'import "left-pad-of-nobody";',
    "needs-process/index.js": "export const n = process.pid;",
    "cycle/index.js": 'import { b } from "./b.js";\nexport const a = () => b();',
    "cycle/b.js": 'import { a } from "./index.js";\nexport const b = () => typeof a;',
    "mixed/index.js": "exports.__esModule = true; exports.default = 1; exports.named = 2;",
    "mixed/sub/part.js": 'import data from "./data.json";\nexport default data.list.length;',
    "mixed/sub/data.json": '{ "list": [1, 2, 3] }',
    "mixed/package.json": '{ "version": "1.4.2" }',
    "@scope/name/index.js": "export default 'scoped';",
    "fails-deep/index.js": 'export * from "./lib/deep.js";',
    "fails-deep/lib/deep.js":
      "// why\nfunction boom() {\n  throw new TypeError('deep down');\n}\nboom();",
    "fails-old/index.js": "require('./old.js');",
    "fails-old/old.js": "\n\n  null.x;",
    "settings/index.js": "export const all = [process.env.DEBUG, process.env.NODE_ENV];",
    "for-require/old.cjs": "exports.old = true;",
    "for-require/package.json":
      '{ "version": "2.0.0-beta.2", "exports": { "require": "./old.cjs" } }',
    "broken-manifest/index.js": "export const a = 1;",
    "broken-manifest/package.json": "{ nope",
    "has-image/index.js": 'import "./a.png";',
    "has-image/a.png": "not for a sandbox",
    "no-manifest/index.js": "export const bare = 1;",
  };
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "skep-project-"));
    for (const [path, text] of Object.entries(files)) {
      const file = join(project, "node_modules", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      const name = path.replace(/^((@\w+\/)?[^/]+)\/.*/, "$1");
      if (name === "no-manifest" || Object.hasOwn(files, `${name}/package.json`)) continue;
      await writeFile(
        join(project, "node_modules", name, "package.json"),
        '{ "version": "1.4.2" }',
      );
    }
    process.chdir(project);
  });
  afterAll(async () => {
    process.chdir(home);
    await rm(project, { recursive: true });
  });

  it.each<[string, DependencyInput, RegExp]>([
    ["is not installed", { npm: "nope" }, /"nope" is not installed in .*Run npm install nope/],
    ["is Node's own", { npm: "fs" }, /"fs" is not installed.*is a module of Node/],
    [
      "has no such path",
      { npm: "mixed/none" },
      /"mixed\/none" cannot be bundled.*names no file for that/,
    ],
    ["imports node:fs", { npm: "uses-fs" }, /uses-fs\/index\.js:1 imports "node:fs"/],
    ["requires fs deep down", { npm: "uses-it-deep" }, /lib\/a\.js:1 imports "fs\/promises"/],
    ["imports nothing there is", { npm: "lacks" }, /Could not resolve "left-pad-of-nobody"/],
    ["has a syntax error", { npm: "broken" }, /Unexpected ";" \(.*broken\/index\.js:1:18\)/],
    ["brings other files", { npm: "has-image" }, /has-image\/a\.png is neither JavaScript nor/],
    ["is broken", { npm: "broken-manifest" }, /broken-manifest\/package\.json is not JSON/],
    ["is a prerelease", { npm: "for-require", version: "^2.0.0" }, /but 2\.0\.0-beta\.2 is/],
    ["throws", { npm: "throws" }, /TypeError: not today/],
    ["throws late", { npm: "throws-late" }, /RangeError: a little later/],
    ["needs what is not there", { npm: "needs-process" }, /ReferenceError: .*process/],
    ["never ends", { npm: "loops" }, /did not finish within 2000 ms/],
    ["waits for ever", { npm: "waits" }, /nothing in the sandbox can settle/],
    ["is another version", { npm: "mixed", version: "2" }, /version 2 of "mixed".* 1\.4\.2 is/],
    ["is older", { npm: "mixed", version: "^1.5.0" }, /version \^1\.5\.0.*but 1\.4\.2/],
  ])("a package that %s", (_what, input, reason) => expectRefusal(input, reason));

  it.each([
    ["fails-deep", "node_modules/fails-deep/lib/deep.js", 3, "throw new TypeError('deep down')"],
    ["fails-old", "node_modules/fails-old/old.js", 3, "null.x"],
  ])("tells where in its own files %s throws", async (npm, file, line, text) => {
    const attempts = [
      pool.define({ dependencies: { [npm]: { npm } } }),
      createPool({ workers: 1, dependencies: { [npm]: { npm } } }),
    ];
    for (const attempt of attempts) {
      const error: unknown = await attempt.catch((error: unknown) => error);
      expect(error).toMatchObject({ location: { file, line }, definition: npm });
      expect((error as InstallError).message).toContain(`(${file}:${line}:`);
      expect((error as InstallError).frame).toContain(text);
    }
  });

  it("packages of all shapes", async () => {
    await pool.define({
      dependencies: {
        cycle: { npm: "cycle" },
        mixed: { npm: "mixed", version: "~1.4.0" },
        part: { npm: "mixed/sub/part.js", version: "1.4.2" },
        scoped: { npm: "@scope/name" },
        careful: { npm: "may-use-fs" },
        settings: { npm: "settings" },
        old: { npm: "for-require", version: "^2.0.0-beta.1" },
        bare: { npm: "no-manifest" },
      },
    });
    const source = `
      import { a } from "cycle";
      import mixed, { named } from "mixed";
      import part from "part";
      import scoped from "scoped";
      import { has } from "careful";
      import { all as settings } from "settings";
      import { old } from "old";
      import { bare } from "bare";
      export const all = [a(), mixed.named, named, part, scoped, has, settings, old, bare];`;
    const { all } = await pool.eval<{ all: unknown }>(source, { type: "module" });
    const settings = [undefined, "production"];
    expect(all).toEqual(["function", 2, 2, 3, "scoped", false, settings, true, 1]);
    const { revision } = pool.registry();
    await pool.define({ dependencies: { cycle: { npm: "cycle" } } });
    expect(pool.registry().revision).toBe(revision);
  });

  it("keeps the order of definitions, and lets go of what is undefined meanwhile", async () => {
    const first = pool.define({ dependencies: { late: { npm: "cycle" } } });
    const second = pool.undefine({ dependencies: ["late"] });
    await Promise.all([first, second]);
    expect(pool.registry().dependencies.map(({ alias }) => alias)).not.toContain("late");
  });

  it("fails createPool and leaves nothing running", async () => {
    await expect(createPool({ dependencies: { x: { npm: "nope" } } })).rejects.toThrow(
      /Dependency "x" could not be installed: the package "nope" is not installed/,
    );
  });
});

describe("url", () => {
  let server: Server;
  let base: string;
  const source = "export const answer = 42; export default 'é';";
  const integrity = (algorithm: string, text = source) =>
    `${algorithm}-${createHash(algorithm).update(text).digest("base64")}`;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? "";
      const hop = /^\/hop\/(\d+)$/.exec(path)?.[1];
      if (hop !== undefined) {
        const to = hop === "0" ? "/module.js" : `/hop/${Number(hop) - 1}`;
        response.writeHead(302, { location: to }).end();
      } else if (path === "/to-file") {
        response.writeHead(302, { location: "file:///etc/passwd" }).end();
      } else if (path === "/nowhere") response.writeHead(302).end();
      else if (path === "/missing") response.writeHead(404).end("no");
      else if (path === "/binary") response.end(Buffer.from([0xff, 0xfe, 0xfd]));
      else if (path === "/large") response.end(Buffer.alloc(2_000, 32));
      else if (path === "/endless") {
        const timer = setInterval(() => response.write(" ".repeat(1_000)), 1);
        response.on("close", () => clearInterval(timer));
      } else if (path === "/broken") {
        response.writeHead(200, { "content-length": "100" });
        response.write("export ", () => response.destroy());
      } else if (path === "/empty") response.writeHead(204).end();
      else if (path === "/silent") response.flushHeaders();
      else if (path === "/imports") response.end('import "https://example.com/x.js";');
      else if (path === "/cookie") response.end(`export default ${!request.headers.cookie};`);
      else response.end(source);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  it("fetches, follows redirects and checks hashes", async () => {
    await pool.define({
      dependencies: {
        plain: { url: `${base}/module.js` },
        hashed: { url: `${base}/module.js`, integrity: integrity("sha384") },
        several: {
          url: `${base}/hop/3`,
          // The strongest counts: the others may be of other builds.
          integrity: `${integrity("sha256", "other")} ${integrity("sha512")} ${integrity("sha512", "other")}`,
        },
      },
    });
    const script = `[
      (await import("plain")).answer, (await import("hashed")).default, (await import("several")).answer,
    ]`;
    expect(await pool.eval(script)).toEqual([42, "é", 42]);
  });

  it.each<[string, string, { maxBytes?: number; timeoutMs?: number; integrity?: string }, RegExp]>([
    ["is not there", "/missing", {}, /answered with status 404/],
    [
      "was changed",
      "/module.js",
      { integrity: integrity("sha256", "other") },
      /was refused: its integrity is sha256-.*not what was asked for/,
    ],
    ["is too large", "/large", { maxBytes: 1_999 }, /larger than 1999 bytes/],
    ["never ends", "/endless", { maxBytes: 5_000 }, /larger than 5000 bytes/],
    ["does not come", "/silent", { timeoutMs: 100 }, /did not arrive within 100 ms/],
    ["breaks off", "/broken", {}, /\/broken broke off in the middle/],
    ["is nothing", "/empty", {}, /answered with status 204/],
    ["is redirected too often", "/hop/6", {}, /redirected more than 5 times/],
    ["is redirected to a file", "/to-file", {}, /redirected to file:.*not http/],
    ["is redirected nowhere", "/nowhere", {}, /no place to go to/],
    ["is not text", "/binary", {}, /is not UTF-8 text/],
    ["imports something else", "/imports", {}, /example\.com\/x\.js" is not on the allowlist/],
  ])("a source that %s", (_what, path, more, reason) =>
    expectRefusal({ url: base + path, ...more }, reason),
  );

  it("takes no passwords, and does not repeat them", async () => {
    const url = "http://name:secret@127.0.0.1:9/x.js";
    const error: unknown = await pool
      .define({ dependencies: { x: { url } } })
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect((error as Error).message).toMatch(/no password/);
    expect((error as Error).message).not.toMatch(/secret/);
  });

  it("is not waited for by a pool that closes", async () => {
    const closing = await createPool({ workers: 1 });
    const asked = new Promise<IncomingMessage>((resolve) => server.once("request", resolve));
    const defined = closing.define({ dependencies: { x: { url: `${base}/silent` } } });
    const refused = expect(defined).rejects.toMatchObject({ code: "closed" });
    const request = await asked;
    const dropped = new Promise((resolve) => request.on("close", resolve));
    await closing.close();
    await refused;
    await dropped;
  });

  it("a server that does not answer", () =>
    expectRefusal({ url: "http://127.0.0.1:9/x.js" }, /could not be fetched: /));
});
