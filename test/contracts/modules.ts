/** Modules that evaluations bring along, TypeScript, and where errors say they happened. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvalOptions, Pool, PoolOptions, SkepError } from "skep";
import { failure } from "./failure.ts";
import { placeOf } from "./place-of.ts";
import type { Terrain } from "./suite.ts";

const FUNCTIONS = {
  arrow: "(a) => a.x.y",
  method: "method(a) { return a.x.y; }",
  asyncMethod: "async asyncMethod(a) {\n  await 0;\n  return a.x.y;\n}",
  computed: "['com' +\n 'puted'](a) {\n  return a.x.y; }",
  renamedToSomethingLong: "f(a) {\n  return a.x.y;\n}",
  late: "\n\n  // a comment\n  async function (a) {\r\n    await 0;\r\n    return a.x.y;\r\n  }",
  nested: `(a) => {
  class Reader {
    read = () => a.x.y;
    static #secret(reader) { return reader.read(); }
    static go() { return this.#secret(new Reader()); }
  }
  return [1].map(() => Reader.go());
}`,
  inDependency: "async (a) => (await import('lib')).fail(a)",
  inCommonJs: "async (a) => (await import('common')).default.fail(a)",
  inBootstrap: "(a) => boot(a)",
  inTimer:
    "(a) => new Promise((resolve, reject) => setTimeout(() => { try { a.x.y; } catch (e) { reject(e); } }, 1))",
  inLibrary: "() => new URL('nowhere')",
  stackInside: "(a) => { try { return a.x.y; } catch (error) { return error.stack; } }",
};

const DEPENDENCIES = {
  lib: {
    source:
      "export const value = 1;\nexport function fail(a) {\n  return a.x.y;\n}\nexport const load = (name) => import(name);",
  },
  common: { commonjs: "exports.fail = (a) => a.x.y;" },
  "@own/place": {
    source: "export const url = import.meta.url; export const later = () => import.meta.url;",
  },
  "typed place": { source: "export const own: string = import.meta.url;", language: "ts" as const },
};

const BOOTSTRAP = "globalThis.other = 1;\nglobalThis.boot = function boot(a) { return a.x.y; };";

export function modulesContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const base: PoolOptions = {
    environment,
    engine,
    workers: 1,
    limits: { timeoutMs: 5_000, memoryBytes: 24 * 2 ** 20 },
    dependencies: DEPENDENCIES,
  };
  function runModule(pool: Pool, source: string, options: EvalOptions = {}): Promise<unknown> {
    return pool.eval(source, { type: "module", ...options });
  }

  for (const isolation of ["call", "worker"] as const) {
    describe(`modules: ${environment}, ${engine}, isolation "${isolation}"`, () => {
      let pool: Pool;
      beforeAll(async () => {
        pool = await terrain.createPool({ ...base, isolation });
      });
      afterAll(() => pool.close({ force: true }));

      it("are found by place, from the module that imports", async () => {
        const found = await runModule(
          pool,
          "import { a } from './parts/a.js'; import { c } from '/c.js'; export default [a, c]",
          {
            modules: {
              "./parts/a.js": "import { b } from './b.js'; export const a = 'a' + b;",
              "./parts/b.js": "import { c } from '../c.js'; export const b = 'b' + c;",
              "./c.js": "export const c = 'c';",
            },
          },
        );
        expect(found).toEqual({ default: ["abc", "c"] });
      });

      it("are found by exact name, beside dependencies", async () => {
        const modules = {
          "@own/lib": "export { value as inner } from 'lib'; export const own = 2;",
        };
        expect(
          await runModule(pool, "export * from '@own/lib'; export { value } from 'lib'", {
            modules,
          }),
        ).toEqual({ inner: 1, own: 2, value: 1 });
      });

      it("are found through an import map: exact names, then the longest prefix", async () => {
        const options: EvalOptions = {
          imports: {
            one: "./deep/one.js",
            "parts/": "./p/",
            "parts/special/": "./s/",
            "./old.js": "./new.js",
            renamed: "lib",
          },
          modules: {
            "./deep/one.js": "export default 1",
            "./p/two.js": "export default 2",
            "./s/three.js": "export default 3",
            "./new.js": "export default 4",
          },
        };
        const source =
          "import a from 'one'; import b from 'parts/two.js'; import c from 'parts/special/three.js';" +
          "import d from './old.js'; import { value } from 'renamed'; export default [a, b, c, d, value]";
        expect(await runModule(pool, source, options)).toEqual({ default: [1, 2, 3, 4, 1] });
        const climbing = runModule(pool, "import 'parts/../../x.js'", options);
        expect((await failure(climbing)).message).toMatch(
          /There is no module "parts\/..\/..\/x.js"/,
        );
      });

      it("find what is beside them when they have names", async () => {
        const modules = {
          "@own/parts/a.js": "export { b } from './b.js'; export { c } from '../c.js';",
          "@own/parts/b.js": "export { root as b } from './root.js';",
          "@own/c.js": "export const c = 'c';",
          "./root.js": "export const root = 'root';",
          "https://x.org/y/z.js": "export { default } from '../w.js';",
          "https://x.org/w.js": "export default 'w';",
        };
        const source =
          "export * from '@own/parts/a.js'; export { default } from 'https://x.org/y/z.js';";
        expect(await runModule(pool, source, { modules })).toEqual({
          b: "root",
          c: "c",
          default: "w",
        });
      });

      it("may be JSON", async () => {
        const text =
          '\n{ "a": [1, -2.5e3, true, null, "x\\n\u2028"], "__proto__": { "b": {} },\n' +
          ' "\\u005f_proto__": 7, "c": "\\"__proto__\\": 1" }\n';
        const source =
          "import a from './data.json' with { type: 'json' }; const b = await import('./data.json');" +
          "import own from 'named.json'; export default [a, a === b.default, own, Object.keys(b)]";
        for (const language of ["js", "ts"] as const) {
          const modules = { "./data.json": text, "named.json": "null" };
          const { default: found } = (await runModule(pool, source, { modules, language })) as {
            default: unknown[];
          };
          expect(found).toEqual([JSON.parse(text), true, null, ["default"]]);
          expect(Object.keys(found[0] as object)).toEqual(Object.keys(JSON.parse(text) as object));
        }
      });

      it.each([
        ['{\n  "a": 1,\n  "b": }', 3, 8, "token"],
        ["{ a: 1 }", 1, 3, "token"],
        ["[1, 2,]", 1, 7, "token"],
        ["[1 2]", 1, 4, "token"],
        ['{"a":1]', 1, 7, "token"],
        ['["日本𝒳", x]', 1, 9, "token"],
        ["[01]", 1, 3, "token"],
        ['"a\nb"', 1, 1, "token"],
        ["1 2", 1, 3, "token"],
        ["[[1]\n", 2, 1, "end"],
        ["", 1, 1, "end"],
      ])("that are JSON say where %j cannot be read", async (text, line, column, what) => {
        const modules = { "./d.json": text };
        const error = await failure(runModule(pool, "import './d.json'", { modules }));
        expect(error).toMatchObject({
          code: "guest-error",
          name: "SyntaxError",
          message: `Unexpected ${what} ${what === "end" ? "of" : "in"} JSON`,
          location: { file: "./d.json", line, column },
        });
        expect(error.frame).toMatch(new RegExp(`^> ${line} \\|`, "m"));
      });

      it("may import each other in cycles, and the evaluation itself", async () => {
        const modules = {
          "./even.js":
            "import { odd } from './odd.js'; export const even = (n) => n === 0 || odd(n - 1);",
          "./odd.js":
            "import { even } from './even.js'; export const odd = (n) => n !== 0 && even(n - 1);",
        };
        const source = "import { even } from './even.js'; export default [even(10), even(7)]";
        expect(await runModule(pool, source, { modules })).toEqual({ default: [true, false] });
        const early = runModule(pool, "import './a.js'", {
          modules: {
            "./a.js": "import { b } from './b.js'; export const a = 1;",
            "./b.js": "import { a } from './a.js'; export const b = a;",
          },
        });
        expect(await failure(early)).toMatchObject({
          name: "ReferenceError",
          location: { file: "./b.js", line: 1 },
        });
        expect(
          await runModule(pool, "export const a = 1; import { b } from './b.js'; export { b }", {
            filename: "src/main.js",
            modules: {
              "./src/b.js": "import * as main from './main.js'; export const b = () => main.a;",
            },
          }).then(
            () => "crossed",
            (error: SkepError) => error.message,
          ),
        ).toMatch(/function/);
      });

      it("may await at the top level", async () => {
        const modules = {
          "./slow.js":
            "export const value = await new Promise((resolve) => setTimeout(resolve, 2, 'slow'));",
          "./user.js": "import { value } from './slow.js'; export default value + '!';",
        };
        expect(await runModule(pool, "export { default } from './user.js'", { modules })).toEqual({
          default: "slow!",
        });
      });

      it("may be imported while code runs, from scripts, too", async () => {
        const modules = {
          "./a.js": "export const loaded = (await import('./b.js')).default;",
          "./b.js": "export default {};",
        };
        const source =
          "const [a, b] = await Promise.all([import('./a.js'), import('./b.js')]);" +
          "[a.loaded === b.default, a === await import('./a.js')]";
        expect(await pool.eval(source, { modules })).toEqual([true, true]);
        const inEval = "eval('import(`./b.js`)').then((b) => typeof b.default)";
        expect(await pool.eval(inEval, { modules })).toBe("object");
        const made = "new Function('return import(`./b.js`)')().then((b) => typeof b.default)";
        expect(await pool.eval(made, { modules })).toBe("object");
      });

      it("know their address, which stays the same", async () => {
        const modules = {
          "./lib/a b.js":
            "export const url = import.meta.url; export const own = Object.keys(import.meta);",
          lib2: "export default import.meta.url;",
        };
        const source =
          "import { url, own } from './lib/a b.js'; import named from 'lib2';" +
          "const again = await import(url); const joined = await import(new URL('./lib/a%20b.js', import.meta.url).href);" +
          "export default [import.meta.url, url, own, named, again.url === url, joined.url === url]";
        for (let round = 0; round < 2; round++) {
          expect(await runModule(pool, source, { modules })).toEqual({
            default: [
              "skep:///module.js",
              "skep:///lib/a%20b.js",
              ["url"],
              "skep:lib2",
              true,
              true,
            ],
          });
        }
        expect(
          await runModule(pool, "export default import.meta.url", { filename: "src/main.js" }),
        ).toEqual({ default: "skep:///src/main.js" });
        // Where a file of the host had the name, only its last part is told.
        expect(
          await runModule(pool, "export default import.meta.url", { filename: "/home/me/main.js" }),
        ).toEqual({ default: "skep:///main.js" });
      });

      it("are told their address in dependencies, too", async () => {
        const source =
          "import { url, later } from '@own/place'; import { own } from 'typed place';" +
          "export default [url, later(), own]";
        expect(await runModule(pool, source)).toEqual({
          default: ["skep:%40own%2Fplace", "skep:%40own%2Fplace", "skep:typed%20place"],
        });
      });

      it("belong to one run", async () => {
        const source = "import value, { count } from './lib.js'; export default [value, count()]";
        const lib = (value: number) =>
          `let calls = 0; export default ${value}; export const count = () => ++calls;`;
        const runs = [1, 2, 3].map((value) =>
          runModule(pool, source, { modules: { "./lib.js": lib(value) } }),
        );
        expect(await Promise.all(runs)).toEqual(
          [1, 2, 3].map((value) => ({ default: [value, 1] })),
        );
        expect((await failure(runModule(pool, "import './lib.js'"))).message).toBe(
          'There is no module "./lib.js", which "./module.js" imports. ' +
            "Pass it under modules, or define it as a dependency.",
        );
        expect((await failure(pool.eval("import('./lib.js')"))).message).toMatch(/allowlist/);
      });

      it("keep apart while several runs wait", async () => {
        const waiting = (name: string): Promise<unknown> =>
          pool.eval(
            "await new Promise((resolve) => setTimeout(resolve, 5)); (await import('./own.js')).default",
            { modules: { "./own.js": `export default "${name}";` } },
          );
        // More than there are sandboxes for: those that wait are put away.
        const names = Array.from({ length: 100 }, (_, index) => `own ${index}`);
        expect(await Promise.all(names.map(waiting))).toEqual(names);
      });

      it("are not within reach of dependencies", async () => {
        const source = "import { load } from 'lib'; export default await load('./a.js')";
        const error = await failure(
          runModule(pool, source, { modules: { "./a.js": "export default 1" } }),
        );
        expect(error.message).toMatch(/"\.\/a\.js" is not on the allowlist/);
      });

      it("are refused by name when they are not there", async () => {
        const modules = { "./a.js": "import './b.js'", "./c.js": "" };
        expect(await failure(runModule(pool, "import './a.js'", { modules }))).toMatchObject({
          code: "guest-error",
          name: "ReferenceError",
          message:
            'There is no module "./b.js", which "./a.js" imports. The run brought ./a.js, ./c.js.',
        });
        const mapped = runModule(pool, "import 'x'", { modules, imports: { x: "./y.js" } });
        expect((await failure(mapped)).message).toMatch(/no module "x" \(that is "\.\/y\.js"\)/);
        const bare = runModule(pool, "import 'nowhere'", { modules });
        expect((await failure(bare)).message).toMatch(/"nowhere" is not on the allowlist/);
        const outside = runModule(pool, "import '../../etc/passwd'", { modules });
        expect((await failure(outside)).message).toBe(
          `"../../etc/passwd" in "./module.js" leads out of the run's modules.`,
        );
        const caught =
          "const told = []; for (const name of ['./x.js', './a.js']) try { await import(name) } catch (e) { told.push(e.name) } told";
        expect(await pool.eval(caught, { modules })).toEqual(["ReferenceError", "ReferenceError"]);
      });

      it("that are given wrongly are refused before they run", async () => {
        const wrong: [EvalOptions, RegExp][] = [
          [{ modules: { "../x.js": "" } }, /"\.\.\/x\.js" leads out of the root/],
          [{ modules: { "./a/../../x.js": "" } }, /leads out of the root/],
          [{ modules: { "./x.js": 1 as never } }, /modules\["\.\/x\.js"\] must be source text/],
          [{ modules: { "./x.js": "", "/x.js": "" } }, /"\.\/x\.js" is there twice/],
          [{ modules: { "./x/": "" } }, /is a folder/],
          [{ modules: { "": "" } }, /"" cannot name a module/],
          [{ modules: { "a\0b": "" } }, /cannot name a module/],
          [{ modules: [] as never }, /must be an object/],
          [{ modules: { lib: "" } }, /"lib" has the name of a dependency.*Give it another name/],
          [{ modules: { "./eval.js": "" } }, /what imports call the evaluation itself/],
          [{ imports: { lib: "./x.js" } }, /imports: "lib" is a dependency.*would hide/],
          [{ imports: { "x/": "./y" } }, /must end with one, too/],
          [{ imports: { x: 1 as never } }, /must be the name of a module/],
          [{ imports: { x: "../../y.js" } }, /leads out of the root/],
          [{ language: "coffee" as never }, /language must be "js" or "ts"/],
          [{ filename: "a\nb" }, /without control characters/],
          [{ filename: "skep:boot" }, /not begin with skep:/],
          [{ modules: { "skep:meta": "" } }, /"skep:meta" is the library's own/],
        ];
        for (const [options, message] of wrong) {
          const error = await failure(pool.eval("1", options));
          expect(error.code).toBe("invalid-argument");
          expect(error.message).toMatch(message);
        }
        expect((await failure(pool.execute({ eval: "1", modules: { lib: "" } }))).code).toBe(
          "invalid-argument",
        );
      });

      it("come with execute(), and count as input", async () => {
        const outcome = await pool.execute({
          eval: "export { default } from './a.js'",
          type: "module",
          modules: { "./a.js": "export default 7" },
        });
        expect(outcome).toMatchObject({
          ok: true,
          value: { default: 7 },
          receipt: { bytesIn: 32 + 16 },
        });
      });

      it("with errors say where, and show it", async () => {
        const modules = { "./lib/a.js": "export let a = 1;\n\texport let b = ;\nexport let c;" };
        const error = await failure(runModule(pool, "import './lib/a.js'", { modules }));
        expect(error).toMatchObject({
          code: "guest-error",
          name: "SyntaxError",
          location: { file: "./lib/a.js", line: 2, column: 17 },
          frame:
            "  1 | export let a = 1;\n> 2 |   export let b = ;\n" +
            "    |                  ^\n  3 | export let c;",
        });
        const thrower = { "./lib/t.js": "export default (a) => {\n  return a.x.y;\n};" };
        const source = "import t from './lib/t.js';\nt({});";
        const thrown = await failure(runModule(pool, source, { modules: thrower }));
        expect(thrown.stack).toMatch(
          /^ {4}at \S+ \(\.\/lib\/t\.js:2:13\)\n {4}at <anonymous> \(module\.js:2:2\)\n$/,
        );
        expect(thrown.location).toEqual({ file: "./lib/t.js", line: 2, column: 13 });
        const asking = runModule(
          pool,
          "import b from './b.js';\nimport { zz as c } from './lib/t.js';",
          {
            modules: { ...thrower, "./b.js": "export default 1;" },
          },
        );
        expect(await failure(asking)).toMatchObject({
          name: "SyntaxError",
          message: "Could not find export 'zz' in module './lib/t.js'",
          location: { file: "module.js", line: 2, column: 10 },
        });
        const lacking = runModule(pool, "import './a.js'", {
          modules: { "./a.js": "  import x, { value } from 'lib'" },
        });
        expect(await failure(lacking)).toMatchObject({
          message: "Could not find export 'default' in module 'lib'",
          location: { file: "./a.js", line: 1, column: 10 },
        });
        const own = await failure(runModule(pool, "let a = 1;\nlet b = ;", { filename: "x/y.js" }));
        expect(own.location).toEqual({ file: "x/y.js", line: 2, column: 9 });
      });

      it("say where the import is that cannot be met", async () => {
        const cases: [source: string, needle: string, modules?: Record<string, string>][] = [
          ["\n  import x from 'nowhere'", "'nowhere'"],
          ["\n  import './no.js'", "'./no.js'"],
          ["\nexport * from '../../up.js'", "'../../up.js'"],
          ["await 0;\n await import('./no.js')", "'./no.js'"],
          ["export { value as own, nothing as other } from 'lib'", "other"],
          [
            "import { both } from './c.js'",
            "both",
            {
              "./a.js": "export const both = 1",
              "./b.js": "export const both = 2",
              "./c.js": "export * from './a.js'; export * from './b.js'",
            },
          ],
        ];
        for (const [source, needle, modules] of cases) {
          const error = await failure(runModule(pool, source, { modules: modules ?? {} }));
          expect(error.location).toEqual({ file: "module.js", ...placeOf(source, needle) });
        }
      });
    });
  }

  describe(`positions: ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool({
        ...base,
        functions: FUNCTIONS,
        bootstrap: BOOTSTRAP,
      });
    });
    afterAll(() => pool.close({ force: true }));

    it.each<[name: keyof typeof FUNCTIONS, file: string, text: string, needle: string]>([
      ["arrow", "arrow.js", FUNCTIONS.arrow, ".y"],
      ["method", "method.js", FUNCTIONS.method, ".y"],
      ["asyncMethod", "asyncMethod.js", FUNCTIONS.asyncMethod, ".y"],
      ["computed", "computed.js", FUNCTIONS.computed, ".y"],
      [
        "renamedToSomethingLong",
        "renamedToSomethingLong.js",
        FUNCTIONS.renamedToSomethingLong,
        ".y",
      ],
      ["late", "late.js", FUNCTIONS.late, ".y"],
      ["nested", "nested.js", FUNCTIONS.nested, ".y"],
      ["inDependency", "lib", DEPENDENCIES.lib.source, ".y"],
      ["inCommonJs", "common", DEPENDENCIES.common.commonjs, ".y"],
      ["inBootstrap", "bootstrap.js", BOOTSTRAP, ".y"],
      ["inTimer", "inTimer.js", FUNCTIONS.inTimer, ".y"],
      ["inLibrary", "inLibrary.js", FUNCTIONS.inLibrary, "('nowhere')"],
    ])("%s", async (name, file, text, needle) => {
      const error = await failure(pool.run(name, [{}]));
      expect(error.location).toEqual({ file, ...placeOf(text, needle) });
      expect(error.frame).toMatch(/^> \d+ \|/m);
      // Every frame is the guest's own, or a native's that it called.
      for (const frame of (error.stack ?? "").trimEnd().split("\n")) {
        expect(frame).toMatch(/^ {4}at .+ \((?:[\w/.]+:\d+:\d+|native)\)$/);
        expect(frame).not.toMatch(/skep|file:|node_modules/);
      }
    });

    it("are the same for code that asks for its stack", async () => {
      expect(await pool.run("stackInside", [{}])).toContain(
        `(stackInside.js:1:${FUNCTIONS.stackInside.indexOf(".y") + 1})`,
      );
    });

    it("show the function as it was written", async () => {
      const error = await failure(pool.run("computed", [{}]));
      expect(error.frame).toBe(
        "  1 | ['com' +\n  2 |  'puted'](a) {\n> 3 |   return a.x.y; }\n    |             ^",
      );
    });

    it("of scripts count lines and characters", async () => {
      const source = "let a = 1;\r\nconst s = '日本𝒳'; null.x;";
      const error = await failure(pool.eval(source, { filename: "my script.js" }));
      expect(error.location).toEqual({ file: "my script.js", ...placeOf(source, ".x") });
      expect(error.frame).toBe(
        "  1 | let a = 1;\n> 2 | const s = '日本𝒳'; null.x;\n" +
          `    | ${" ".repeat(11)}\u3000\u3000${" ".repeat(8)}^`,
      );
    });

    it("of syntax errors are there for everything that is evaluated", async () => {
      const places: [() => Promise<unknown>, string, number, number][] = [
        [() => pool.eval("let a;\n let b = ;"), "eval.js", 2, 10],
        [() => pool.eval("let a = {\n"), "eval.js", 2, 1],
        [() => pool.eval("export let b = ;", { type: "module" }), "module.js", 1, 16],
        [() => pool.eval("import.meta; let b = {", { type: "module" }), "module.js", 1, 23],
        [() => pool.eval("let b = 1; b(", { type: "module" }), "module.js", 1, 14],
        [() => pool.define({ functions: { bad: "\n(a) => {\n return a +; }" } }), "bad.js", 3, 12],
        [() => pool.define({ functions: { bad: "bad(a) { return a +; }" } }), "bad.js", 1, 20],
        [() => pool.define({ functions: { bad: "function (a, b { }" } }), "bad.js", 1, 16],
        [() => pool.define({ functions: { bad: "(a, => a" } }), "bad.js", 1, 5],
        [() => pool.define({ functions: { bad: "bad(a { }" } }), "bad.js", 1, 7],
        [
          () => pool.define({ dependencies: { bad: { source: "\nexport let a = ;" } } }),
          "bad",
          2,
          16,
        ],
        [() => pool.define({ dependencies: { bad: { commonjs: "exports.a = ;" } } }), "bad", 1, 13],
        [() => pool.define({ dependencies: { bad: { source: "\n\n null.x" } } }), "bad", 3, 6],
        [() => pool.define({ dependencies: { bad: { commonjs: "null.x" } } }), "bad", 1, 5],
        [
          () =>
            pool.define({
              dependencies: { bad: { commonjs: `#!/bin/x${"\n".repeat(70)} null.x` } },
            }),
          "bad",
          71,
          6,
        ],
        [() => pool.define({ dependencies: { bad: { commonjs: "exports.a = (" } } }), "bad", 1, 14],
        [
          () => pool.define({ dependencies: { bad: { source: "\nimport x from 'nowhere'" } } }),
          "bad",
          2,
          15,
        ],
        [
          () => pool.define({ dependencies: { bad: { source: "export { zz } from 'lib'" } } }),
          "bad",
          1,
          10,
        ],
        [
          () => terrain.createPool({ ...base, bootstrap: "let a;\n let b = ;" }),
          "bootstrap.js",
          2,
          10,
        ],
      ];
      for (const [evaluate, file, line, column] of places) {
        const error = await failure(evaluate());
        expect(error.location).toEqual({ file, line, column });
        expect(error.frame).toMatch(new RegExp(`^> ${line} \\|`, "m"));
        if (error.code === "install-failed") {
          expect(error.message).toContain(`(${file}:${line}:${column})`);
        }
      }
    });

    it("of errors of the guest's own classes are where they were made", async () => {
      for (const source of [
        "class Mine extends Error { constructor(m) { super(m); this.name = 'Mine'; } }\nfunction f() { throw new Mine('x'); }\nf()",
        "class Mine extends Error {}\nfunction f() { throw new Mine('x'); }\nf()",
        "class Base extends TypeError { constructor() { super('x'); } } class Mine extends Base {}\nfunction f() { throw new Mine(); }\nf()",
      ]) {
        const error = await failure(pool.eval(source));
        expect(error.location).toEqual({ file: "eval.js", line: 2, column: 30 });
        expect(error.stack).toMatch(/^ {4}at f \(/);
      }
      // What fails in a constructor fails there.
      const inside = "class Mine extends Error { constructor() { super(); null.x; } }\nnew Mine()";
      expect((await failure(pool.eval(inside))).location).toMatchObject({ line: 1 });
      const all =
        "class Mine extends Error {\n constructor() { super(); throw this; } }\nnew Mine()";
      expect((await failure(pool.eval(all))).location).toMatchObject({ line: 3 });
    });

    it("are told for files of any name", async () => {
      for (const filename of ["", "a (b):3:4 c", "x:1:2", "日本 😀.js", "f".repeat(3000)]) {
        const error = await failure(pool.eval("\nnull.x", { filename }));
        expect(error.location).toEqual({ file: filename, line: 2, column: 5 });
      }
    });

    it("are not taken from texts nobody gave", async () => {
      const forged = "const e = new Error('x'); e.stack = '    at f (/etc/passwd:1:1)'; throw e;";
      const error = await failure(pool.eval(forged));
      expect(error.location).toBe(undefined);
      expect(error.frame).toBe(undefined);
      const beyond = "const e = new Error('x'); e.stack = '    at f (eval.js:99:1)'; throw e;";
      expect((await failure(pool.eval(beyond))).frame).toBe(undefined);
      const parsed = await failure(pool.eval("1;\nJSON.parse('{')"));
      expect(parsed.location).toEqual({ file: "eval.js", line: 2, column: 11 });
    });
  });

  describe(`TypeScript: ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool(base);
    });
    afterAll(() => pool.close({ force: true }));

    it("runs, as script and as module, with modules", async () => {
      const script =
        "interface A { a: number }\nconst a = <A>{ a: 1 }; (a as any).a satisfies number";
      expect(await pool.eval(script, { language: "ts" })).toBe(1);
      const source = `import { type Shape, area, Kind } from "./shape.ts";
        import { plain } from "./plain.js";
        const square: Shape = { kind: Kind.Square, side: 3 };
        export const result: number = area<Shape>(square)! + plain;`;
      const modules = {
        "./shape.ts": `export enum Kind { Square = "square" }
          export interface Shape { kind: Kind; side?: number }
          export function area<T extends Shape>(this: void, shape: T): number { return shape.side! ** 2; }`,
        "./plain.js": "export const plain = 1 < 2 ? 1 : 0;",
      };
      expect(await pool.eval(source, { language: "ts", type: "module", modules })).toEqual({
        result: 10,
      });
    });

    it("is told by the name of a module", async () => {
      const modules = { "./a.ts": "export const a: number = 1;", "./b.js": "export const b = 2;" };
      const source = "export { a } from './a.ts'; export { b } from './b.js'";
      expect(await pool.eval(source, { type: "module", modules })).toEqual({ a: 1, b: 2 });
    });

    it("keeps lines and columns", async () => {
      const source =
        "type T = { 日本: '𝒳' };\r\nfunction f<A, B>(a: A, b?: B): asserts a { (a as unknown as any)!.x.y(b as B); }\nf<T, string>({} as T);";
      const error = await failure(pool.eval(source, { language: "ts" }));
      expect(error.location).toEqual({ file: "eval.ts", ...placeOf(source, ".y(") });
      expect(error.stack).toContain("(eval.ts:3:13)");
      // As it was given, not as it ran.
      expect(error.frame).toContain("> 2 | function f<A, B>(a: A, b?: B)");
      const wide = "const x = ('日本' as '日本𝒳' | '日'); null.x;";
      const inWide = await failure(pool.eval(wide, { language: "ts" }));
      expect(inWide.location).toEqual({ file: "eval.ts", ...placeOf(wide, ".x") });
    });

    it("that cannot be read is the guest's error, and says where", async () => {
      for (const [source, line, column] of [
        ["let a: number = 1;\nlet é日: = 2;", 2, 9],
        ["let a = 1;\n namespace N { export const b = 1 }", 2, 2],
      ] as const) {
        const outcome = await pool.execute({ eval: source, language: "ts" });
        expect(outcome).toMatchObject({
          ok: false,
          error: {
            code: "guest-error",
            name: "SyntaxError",
            location: { file: "eval.ts", line, column },
          },
        });
        if (!outcome.ok)
          expect(outcome.error.frame).toContain(`> ${line} | ${source.split("\n")[1]}`);
      }
      const modules = { "./a.ts": "let a: ;" };
      expect(
        await failure(pool.eval("import './a.ts'", { type: "module", modules })),
      ).toMatchObject({ location: { file: "./a.ts", line: 1, column: 8 } });
      const deep = `let a: number = ${"(".repeat(50_000)}1${")".repeat(50_000)};`;
      expect((await failure(pool.eval(deep, { language: "ts" }))).message).toMatch(/too deeply/);
      expect(await pool.eval("1 as number", { language: "ts" })).toBe(1);
    });

    it("is awaited by a pool that drains, and can be aborted meanwhile", async () => {
      const draining = await terrain.createPool(base);
      const options = { language: "ts", modules: { "./a.ts": "" } } as const;
      const running = draining.eval("1 as number", options);
      const controller = new AbortController();
      const { signal } = controller;
      const aborted = failure(draining.eval("1 as number", { ...options, signal }));
      controller.abort();
      await draining.drain();
      expect(await running).toBe(1);
      expect((await aborted).code).toBe("aborted");
      expect((await failure(draining.eval("1 as number", options))).code).toBe("closed");
      await draining.close();
    });

    it("and modules are taken as they were when they were given", async () => {
      const modules = { "./a.ts": "export const a: number = 1;" };
      const running = pool.eval("(await import('./a.ts')).a", { modules });
      modules["./a.ts"] = "broken";
      expect(await running).toBe(1);
    });

    it("is stripped from dependencies", async () => {
      await pool.define({
        dependencies: { typed: { source: "export const n: number = 5;", language: "ts" } },
      });
      expect(await pool.eval("(await import('typed')).n")).toBe(5);
      expect(
        await failure(
          pool.define({
            dependencies: { bad: { source: "export const n: = 5;", language: "ts" } },
          }),
        ),
      ).toMatchObject({
        code: "install-failed",
        location: { file: "bad", line: 1, column: 17 },
      });
    });
  });
}
