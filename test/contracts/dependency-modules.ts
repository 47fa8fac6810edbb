/** Dependencies that use each other, whichever kind of module they are, and modules of the host. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Definitions, DependencyInput, Pool } from "skep";
import { failure } from "./failure.ts";
import type { Terrain } from "./suite.ts";

const HOST_MODULE = `
  export class Counter {
    #count = 0;
    up() { return ++this.#count; }
    twin() { return new Twin(); }
  }
  class Twin {}
  export const make = () => new Counter();
  export const makeLater = async () => new Counter();
  export const query = () => ({ then: (resolve) => resolve([1, 2]) });
  export const later = async (value) => value;
  export const callback = () => ({ on: () => 1 });
  export const shared = new Counter();
  export const twin = new Twin();
  export const settings = { onChange: () => {} };
  export const promised = Promise.resolve(1);
  export const which = () => "first";
  const legacy = { base: 2, add(value) { return this.base + value; } };
  export { legacy as default };`;
const module = `data:text/javascript,${encodeURIComponent(HOST_MODULE)}`;
const other = `data:text/javascript,${encodeURIComponent("export const which = () => 'second';")}`;

export function dependencyModulesContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  describe(`dependencies among themselves: ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool({ environment, engine, workers: 1, installTimeoutMs: 3_000 });
    });
    beforeEach(async () => {
      const aliases = pool.registry().dependencies.map(({ alias }) => alias);
      await pool.undefine({ dependencies: aliases });
    });
    afterAll(() => pool.close({ force: true }));

    /** What an expression over the dependency `main` gives, with these defined. */
    async function evaluated(
      dependencies: NonNullable<Definitions["dependencies"]>,
      expression: string,
    ): Promise<unknown> {
      await pool.define({ dependencies });
      return pool.eval(`const main = await import("main"); ${expression}`);
    }

    async function refusal(dependencies: Record<string, DependencyInput>): Promise<string> {
      const error = await failure(pool.define({ dependencies }));
      expect(error).toMatchObject({ code: "install-failed" });
      expect(await pool.eval("1")).toBe(1);
      return error.message;
    }

    it("CommonJS requires ES modules, which import CommonJS", async () => {
      const found = await evaluated(
        {
          main: {
            commonjs: `
              const { z, default: whole } = require("z");
              exports.values = [z, whole(), require("z") === require("z"), require("a")];
              exports.later = () => require("late").n;`,
          },
          z: {
            source: "import { b } from 'b'; export const z = b + 1; export default () => 'whole';",
          },
          b: { commonjs: "exports.b = require('c').c;" },
          c: { source: "export const c = 1;" },
          a: { commonjs: "module.exports = 'text';" },
          late: { source: "export const n = await Promise.resolve(5);" },
        },
        "[main.values, main.later(), (await import('z')).z, (await import('b')).b]",
      );
      expect(found).toEqual([[2, "whole", true, "text"], 5, 2, 1]);
    });

    it("CommonJS is evaluated once, however it is reached", async () => {
      const found = await evaluated(
        {
          main: {
            commonjs: "exports.same = () => require('z').self; exports.seen = require('z').self;",
          },
          z: { commonjs: "globalThis.times = (globalThis.times ?? 0) + 1; exports.self = {};" },
          other: { source: "import z from 'z'; export const self = z.self;" },
        },
        "const { self } = await import('other'); [times, main.seen === self, main.same() === self]",
      );
      expect(found).toEqual([1, true, true]);
    });

    it("CommonJS modules see of each other what there is so far", async () => {
      const found = await evaluated(
        {
          main: {
            commonjs: "exports.early = 1; exports.seen = require('y').seen; exports.late = 2;",
          },
          y: {
            commonjs: "const m = require('main'); exports.seen = Object.keys(m); exports.m = m;",
          },
        },
        "[main.seen, (await import('y')).m.late]",
      );
      expect(found).toEqual([["early"], 2]);
    });

    it.each<[string, Record<string, DependencyInput>, RegExp]>([
      [
        "a cycle of CommonJS and an ES module",
        { a: { commonjs: "require('b')" }, b: { source: "import 'a';" } },
        /"a" is imported by an ES module that it requires itself/,
      ],
      [
        "a cycle that begins with the ES module",
        {
          a: { source: "import f from 'b'; export const x = f();" },
          b: { commonjs: "module.exports = () => require('a')" },
        },
        /"a" could not be installed: ReferenceError: require\("a"\): It is being loaded/,
      ],
      [
        "a cycle over an import",
        {
          a: { source: "import f from 'b'; f();" },
          b: { commonjs: "module.exports = () => require('c')" },
          c: { source: "import 'a';" },
        },
        /"a" cannot be imported here\. It is being loaded/,
      ],
      [
        "what awaits at its top level",
        { a: { commonjs: "require('b')" }, b: { source: "await 0;" } },
        /require\("b"\): it awaits at its top level.*Use await import\("b"\)/,
      ],
      [
        "an ES module that throws",
        { a: { commonjs: "require('b')" }, b: { source: "\nthrow new RangeError('no');" } },
        /"a" could not be installed: RangeError: no \(b:2:/,
      ],
      [
        "CommonJS that throws, by import",
        {
          a: { commonjs: "require('c')" },
          b: { commonjs: "\n\n  null.x;" },
          c: { source: "import 'b';" },
        },
        /"a" could not be installed: TypeError: .* \(b:3:7\)/,
      ],
      [
        "what was refused once, and is asked for again",
        { a: { commonjs: "try { require('b') } catch {}" }, b: { commonjs: "throw Error('no')" } },
        /"b" could not be installed: Error: no/,
      ],
      ["what is no alias", { a: { commonjs: "require(5)" } }, /require\(\) takes the alias/],
    ])("refuses %s", async (_what, dependencies, reason) => {
      expect(await refusal(dependencies)).toMatch(reason);
    });

    it("tell of what may be missing as packages expect it", async () => {
      const attempt = `
        try { require("node:fs"); } catch ({ code, message }) { exports.told = [code, message]; }
        exports.try = (name) => { try { require(name); } catch ({ message }) { return message; } };`;
      const found = await evaluated(
        { main: { commonjs: `#!/usr/bin/env node\n${attempt}` } },
        "[...main.told, main.try('../x')]",
      );
      expect(found).toEqual([
        "MODULE_NOT_FOUND",
        expect.stringMatching(/^require\("node:fs"\): "node:fs" is not on the allowlist/),
        expect.stringMatching(/^require\("\.\.\/x"\): "\.\.\/x" is not on the allowlist/),
      ]);
    });

    it("exports of CommonJS that cannot be read, or have unusual names", async () => {
      const found = await evaluated(
        {
          main: {
            commonjs: `
              Object.defineProperty(exports, "bad", { enumerable: true, get() { throw Error("lazy"); } });
              exports.delete = 1; exports.ünï = 2; exports["a-b"] = 3; exports.__proto__ = null;`,
          },
          odd: { commonjs: "module.exports = new Proxy({ a: 1 }, { ownKeys: () => ['a', 'b'] });" },
        },
        "[main.bad, main.delete, main.ünï, Object.keys(main), (await import('odd')).a]",
      );
      expect(found).toEqual([undefined, 1, 2, ["bad", "default", "delete", "ünï"], 1]);
    });

    it.each([0, 1, 2, 3, 63, 64, 127, 128, 9_000])(
      "places in CommonJS, after %i lines",
      async (lines) => {
        const commonjs = `${"\n".repeat(lines)}   null.x;`;
        const error = await failure(pool.define({ dependencies: { main: { commonjs } } }));
        expect(error).toMatchObject({ location: { file: "main", line: lines + 1, column: 8 } });
        expect(error.message).toContain(`(main:${lines + 1}:8)`);
      },
    );

    it("cannot be undefined while others need them", async () => {
      await pool.define({
        dependencies: {
          base: { source: "export const v = 1;" },
          top: { source: "import { v } from 'base'; export const w = v;" },
        },
        functions: { byName: "async () => (await import('base')).v" },
      });
      const error = await failure(pool.undefine({ dependencies: ["base"], functions: ["byName"] }));
      expect(error).toMatchObject({
        code: "install-failed",
        kind: "dependency",
        definition: "top",
      });
      expect(error.message).toMatch(/without what was undefined.*"base" is not on the allowlist/);
      expect(await pool.eval("(await import('top')).w")).toBe(1);
      expect(await pool.run("byName")).toBe(1);
      await pool.undefine({ dependencies: ["base", "top"] });
      expect((await failure(pool.run("byName"))).message).not.toMatch(/cannot see variables/);
    });

    it("refuse an alias that cannot be text of a module", async () => {
      const dependencies = { "\ud800": { source: "" } };
      const error = await failure(pool.define({ dependencies }));
      expect(error).toMatchObject({ code: "invalid-argument" });
    });

    describe.runIf(terrain.node)("modules of the host", () => {
      const handles = { Counter: ["up", "twin", "absent"] };
      const define = (exports: string[], more: object = { handles }): Promise<unknown> =>
        pool.define({ dependencies: { main: { module, exports, ...more } } });
      const evaluate = (expression: string): Promise<unknown> =>
        pool.eval(`const main = await import("main"); ${expression}`);

      it("give handles, at once, by promises, and as exports", async () => {
        await define(["make", "makeLater", "shared", "make"]);
        const script = `
          const made = main.make();
          const { shared } = await wpc_import("main");
          [made.up(), made.up(), (await main.makeLater()).up(), shared.up() > 0, Object.keys(shared)]`;
        expect(await evaluate(script)).toEqual([1, 2, 1, true, ["up", "twin", "absent"]]);
        for (const [expression, reason] of [
          ["main.make().twin()", /returned an instance of Twin.*handles: { Twin: \["method"\] }/],
          ["main.shared.twin()", /returned an instance of Twin/],
          ["main.make().absent()", /There is no method "absent" on this handle/],
          ["main.shared.absent()", /Dependency "main" has no function "shared.absent"/],
        ] as const) {
          expect((await failure(evaluate(expression))).message).toMatch(reason);
        }
      });

      it("are awaited when they are thenable, and say what cannot cross", async () => {
        await define(["query", "callback"]);
        expect(await evaluate("await main.query()")).toEqual([1, 2]);
        const error = await failure(evaluate("main.callback()"));
        expect(error).toMatchObject({ name: "TypeError" });
        expect(error.message).toMatch(/^result\.on is a function, which cannot enter a sandbox/);
      });

      it("give members of a default export by name, as methods", async () => {
        await define(["add", "base"]);
        expect(await evaluate("[main.add(3), main.base]")).toEqual([5, 2]);
      });

      it.each<[string, RegExp]>([
        ["twin", /"main" could not be installed: Its export twin is an instance of Twin, which/],
        ["settings", /Its export settings\.onChange is a function, which cannot enter/],
        ["promised", /Its export promised is a Promise/],
        ["toString", /has no export "toString"/],
      ])("refuse the export %s", async (name, reason) => {
        expect(await refusal({ main: { module, exports: [name] } })).toMatch(reason);
      });

      it.each<[string, RegExp]>([
        ["no-such-package", /Cannot find module 'no-such-package' in the node_modules that/],
        ["node:nothing", /"node:nothing" could not be loaded: No such built-in module/],
      ])("that are not there: %s", async (specifier, reason) => {
        const message = await refusal({ main: { module: specifier, exports: ["x"] } });
        expect(message).toMatch(reason);
        expect(message).not.toMatch(/imported from|\n/);
      });

      it("do not answer while definitions are installed", async () => {
        await define(["later"], {});
        const source = "import { later } from 'main'; await later(1);";
        expect(await refusal({ uses: { source } })).toMatch(/waits for a promise of the host/);
      });

      it("stay in use when a definition in their place fails", async () => {
        await define(["which"], {});
        await refusal({
          main: { module: other, exports: ["which"] },
          x: { source: "throw new Error('no')" },
        });
        expect(await evaluate("main.which()")).toBe("first");
        await pool.define({ dependencies: { main: { module: other, exports: ["which"] } } });
        expect(await evaluate("main.which()")).toBe("second");
      });
    });
  });
}
