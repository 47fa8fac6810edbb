/** Functions, dependencies and bootstraps in TypeScript. Run by every environment and engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Definitions, Pool, PoolOptions } from "skep";
import { failure } from "./failure.ts";
import { placeOf } from "./place-of.ts";
import type { Terrain } from "./suite.ts";

const BOOTSTRAP = "interface Point { x: number }\nglobalThis.boot = (p: Point): number => p.x.y;";
const DEPENDENCY = "type Way = 'on';\nexport const go = (way?: Way): number => (way as any).x;";
const ADD = "(a: number, b: number = 2): number =>\n  (a as number) + b!";

function typed(source: string): Definitions {
  return { functions: { f: { source, language: "ts" } } };
}

export function typedSourcesContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const base: PoolOptions = { environment, engine, workers: 1 };

  describe(`definitions in TypeScript: ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool({
        ...base,
        functions: { add: { source: ADD, language: "ts" }, plain: { source: "() => 1" } },
        dependencies: { ways: { source: DEPENDENCY, language: "ts" } },
        bootstrap: { source: BOOTSTRAP, language: "ts" },
      });
    });
    afterAll(() => pool.close({ force: true }));

    it("run, and are described by what they were given as", async () => {
      expect(await pool.run("add", [1])).toBe(3);
      expect(await pool.run("plain")).toBe(1);
      const [add] = pool.registry().functions;
      expect(add).toMatchObject({ name: "add", parameters: ["a", "b = 2"] });
      const other = ADD.replace("number =>", "bigint =>");
      await pool.define({ functions: { add: { source: other, language: "ts" } } });
      expect(pool.registry().functions[0]?.hash).not.toBe(add?.hash);
    });

    it.each([
      ["function f(a: number): number { return a! }"],
      ["function (a: number): number { return a! };"],
      ["async function f<T>(a: T): Promise<T> { return a! }"],
      [
        "function f(a: string): string;\nfunction f(a: number): number;\nfunction f(a: any) { return a }",
      ],
      ["function f(a: number) { enum E { A, B } return E[E.B] === 'B' ? a : 0 }"],
      ["<T,>(a: T): T => a // the same"],
      ["async <T,>(a: T): Promise<T> => a;;"],
      ["a => a as number"],
      ["async a => a!"],
      ["async (a: number): Promise<number> => a"],
      ["(function (this: void, a: number) { return a })"],
      ["add(a: number, b?: string, ...c: number[]): number { return a }"],
      ["async add<T>(a: T): Promise<T> { return a }"],
      ["['x' + 'y'](a: number): number { return a }"],
      ["(a: number, { x }: { x?: number } = {}, context?: any) => context.constants && a"],
    ])("may be written as %s", async (source) => {
      const { f } = await pool.define(typed(source));
      expect(await f?.(7)).toBe(7);
    });

    it.each([
      ["(a: number) => {\r\n\treturn (a as any).x.y;\r\n}"],
      ["f(a: number): any { return (a as any)!.x.y }"],
      ["function (\n  a: { b: '日本𝒳' },\n): any { return ('𝒳' as any).x.y }"],
    ])("keep the positions of %j", async (source) => {
      const { f } = await pool.define(typed(source));
      const error = await failure(f?.(1) ?? Promise.resolve());
      const location = { file: "f.js", ...placeOf(source, ".y") };
      expect(error).toMatchObject({ name: "TypeError", location });
      // As it was given, not as it ran.
      expect(error.frame).toContain(source.split(/\r?\n/)[location.line - 1]?.trim());
    });

    it("show their own text where they fail", async () => {
      const inBootstrap = await failure(pool.eval("boot({})"));
      expect(inBootstrap.location).toEqual({ file: "bootstrap.js", ...placeOf(BOOTSTRAP, ".y") });
      expect(inBootstrap.frame).toContain("(p: Point): number => p.x.y");
      const inDependency = await failure(pool.eval("(await import('ways')).go()"));
      expect(inDependency.location).toMatchObject({ file: "ways", line: 2 });
      expect(inDependency.frame).toContain("(way as any).x");
    });

    it.each([
      ["(a: ) => a", "SyntaxError: Unexpected token (f.js:1:5)", 1, 5],
      ["f(a: number) {\n return a +; }", "SyntaxError: Unexpected token (f.js:2:12)", 2, 12],
      ["@logged function f() {}", "decorators are not supported", 1, 1],
      ["() => <div/>", "JSX is not supported", 1, 4],
      ["(a: number) => { let b = 1; let b: number }", "redefinition", 1, 43],
    ])("are refused where %j cannot be read", async (source, message, line, column) => {
      const error = await failure(pool.define(typed(source)));
      expect(error.code).toBe("install-failed");
      expect(error.message).toContain('Function "f" could not be installed: SyntaxError: ');
      expect(error.message).toContain(message);
      expect(error.location).toEqual({ file: "f.js", line, column });
    });

    it.each<[unknown, RegExp]>([
      [{ source: "function* f(): any {}", language: "ts" }, /generator function.*in an array/],
      [{ source: "class A { x: number }", language: "ts" }, /is a class/],
      [{ source: "const f = (a: number) => a", language: "ts" }, /cannot be read|not a function/],
      [{ source: "() => 1", language: "coffee" }, /"f": language must be "js" or "ts"/],
      [{ source: "() => 1", lang: "ts" }, /"f" has an unknown property "lang"/],
      [{ language: "ts" }, /"f": source must be source text/],
      [
        {
          get source() {
            return "() => 1";
          },
        },
        /"source" is a getter/,
      ],
      [["() => 1"], /is an array/],
    ])("given wrongly are refused: %j", async (f, message) => {
      const error = await failure(pool.define({ functions: { f: f as string } }));
      expect(error.code).toBe("invalid-argument");
      expect(error.message).toMatch(message);
    });

    it("are checked before a pool is there", async () => {
      const broken = { source: "let a: ;", language: "ts" } as const;
      expect(await failure(terrain.createPool({ ...base, bootstrap: broken }))).toMatchObject({
        code: "install-failed",
        location: { file: "bootstrap.js", line: 1, column: 8 },
      });
      for (const bootstrap of [5, { source: 1 }, { source: "", more: 1 }] as never[]) {
        const error = await failure(terrain.createPool({ ...base, bootstrap }));
        expect(error.code).toBe("invalid-argument");
        expect(error.message).toMatch(/^bootstrap/);
      }
    });

    it("travel with the pool's image", async () => {
      const image = await pool.image();
      const twin = await terrain.createPool({ ...base, image });
      try {
        expect(await twin.run("add", [1])).toBe(3);
        expect(twin.registry().functions).toEqual(pool.registry().functions);
        expect((await failure(twin.eval("boot({})"))).frame).toContain("(p: Point)");
        const again = await failure(twin.eval("(await import('ways')).go()"));
        expect(again.frame).toContain("(way as any).x");
      } finally {
        await twin.close();
      }
    });
  });
}
