import { readdirSync, readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { SkepError } from "../../../src/errors.ts";
import { loadStripper } from "../../../src/pool/typescript.ts";
import { scan } from "../../../src/registry/scanner.ts";

const strip = await loadStripper();
const source = new URL("../../../src/", import.meta.url);

describe("stripping types", () => {
  test.each([
    ["let a: number = 1, b = c;", "let a         = 1, b = c;"],
    ["f<(a: B) => C>(x!, <T>y);", "f             (x ,    y);"],
    ["const s = `${a as B}${`${b!}`}` as C; d.e;", "const s = `${a     }${`${b }`}`     ; d.e;"],
    ["const f = <T,>(a?: T, ...r: T[]): T => a;", undefined],
    ["class A<T> extends B<T> { private x?: number = 1; m<U>(u: U): void { u.v; } }", undefined],
    ["x = a as any as { b: '日本𝒳' }; y.z;", undefined],
    ["x = <string>('日'); y.z;\r\nlet q: number;\r\n\r\nr.s;", undefined],
    ["type A = 1; A; declare const b: number; interface C { b: 1 } b.c;", undefined],
    ["  text`  a${b as C}  ${d!}\n   ${e}  f  ${g as H}`; i.j;", undefined],
  ])("keeps every column of %s", (text, expected) => {
    const code = strip("x.ts", text);
    if (expected !== undefined) expect(code.trimEnd()).toBe(expected);
    expect(displaced(text, code)).toEqual([]);
    expect(code.split("\n")).toHaveLength(text.split("\n").length);
  });

  test("keeps every column of this package's own sources", { timeout: 30_000 }, () => {
    const files = sourceFiles();
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const text = readFileSync(new URL(file, source), "utf8");
      expect({ file, displaced: displaced(text, strip(file, text)) }).toEqual({
        file,
        displaced: [],
      });
    }
  });

  test("changes nothing in JavaScript but white space", () => {
    const text = "const a = `${1}${2}`;\n  label: for (;;) { break label; }\nexport { a as b };\n";
    expect(strip("x.ts", text)).toBe(text);
  });

  test("ends statements where a type ended them", () => {
    expect(run("let f = (x: number) => x\nlet a = f as any\n(0)\nreturn typeof a")).toBe(
      "function",
    );
    expect(run("let a = [1] satisfies number[]\n[0].length\nreturn a")).toEqual([1]);
    expect(run("let a = (1 as any\n+ 2)\nreturn a")).toBe(3);
  });

  test.each([
    ["let a = 1\ninterface B { c: 1 }\n(a)\nreturn a", 1],
    ["let a = 1\ntype B =\n  | 1\n  | 2\n\n;[a]\nreturn a", 1],
    ["let a = 1\ntype B = '𝒳'\n[a].length\nreturn a", 1],
    ["let a = 1\ndeclare const b: number\n`x`\nreturn a", 1],
    ["let a = 1\ninterface B {}\n/x/.test('')\nreturn a", 1],
    ["let a = 1\ndeclare function f(): void\n-a\nreturn a", 1],
    ["class A {\n x = 1\n m(a: string): void\n *g() { yield 2 }\n}\nreturn [...new A().g()][0]", 2],
    ["class A {\n x = 1\n private ['y'] = 2\n}\nreturn new A()['y']", 2],
    ["class A {\n x = 1\n declare z: number\n ['y'] = 2\n}\nreturn new A().y", 2],
    ["let a = (b) => b\nlet c = a\n<number>(3)\nreturn c", 3],
    ["let a = (b) => b\nlet c = a<\n  number\n>(3)\nreturn c", 3],
    ["let a = 1\nenum E { A, B }\n(a)\nreturn a", 1],
    ["let a: number\n= 1\n+ 2\nreturn a", 3],
  ])("ends what a declaration ended: %j", (text, result) => {
    expect(run(text)).toBe(result);
  });

  test("understands enums and parameter properties", () => {
    expect(run("enum E { A, B = 'b' }\nreturn [E.A, E.B, E[0]];")).toEqual([0, "b", "A"]);
    expect(run("class P { constructor(readonly x: number) {} }\nreturn new P(3).x;")).toBe(3);
  });

  test.each([
    ["let a: = 1;", 1, 8],
    ["let a: number = 1;\n  let é𝒳: = 2;", 2, 11],
    ["let a = `${1}`; let b: = `${2}`;", 1, 24],
    ["\n  namespace A.B { export const c = 1; }", 2, 3],
    ["export module Old { }", 1, 8],
  ])("says where %s cannot be read", (text, line, column) => {
    let error: unknown;
    try {
      strip("dir/x.ts", text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SkepError);
    expect(error).toMatchObject({
      code: "guest-error",
      name: "SyntaxError",
      location: { file: "dir/x.ts", line, column },
    });
    expect((error as SkepError).message).not.toMatch(/transforming|\d+:\d+/);
  });

  test("leaves names called namespace alone", () => {
    for (const text of [
      "const namespace = { module: 1 }; namespace.module;",
      "declare namespace N { const a: number; } declare module 'x' {}",
      "f(namespace, module); const module = {};",
    ]) {
      expect(() => strip("x.ts", text)).not.toThrow();
    }
  });
});

function sourceFiles(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
    /(?<!\.d)\.ts$/.test(file),
  );
}

/** What the body of a function returns. */
function run(text: string): unknown {
  return runInNewContext(`(() => {${strip("x.ts", text)}\n})()`);
}

/** Words of the code that are not where they are in the source. */
function displaced(text: string, code: string): string[] {
  const lines = text.split("\n");
  return code.split("\n").flatMap((line, index) =>
    // What parameter properties become is not in the source.
    /[{;]\s*this\.(\w+) = \1;/.test(line) ? [] : displacedIn(lines[index] ?? "", line, index + 1),
  );
}

function displacedIn(source: string, line: string, number: number): string[] {
  const wanted = Array.from(source);
  return scan(line)
    .filter(({ kind }) => kind !== "sign")
    .filter(({ text, start }) => {
      const column = Array.from(line.slice(0, start)).length;
      return wanted.slice(column, column + Array.from(text).length).join("") !== text;
    })
    .map(({ text }) => `${number}: ${text}`);
}
