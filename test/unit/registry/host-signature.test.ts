import { describe, expect, test } from "vitest";
import { awaited, readSignature } from "../../../src/registry/host-signature.ts";

describe("readSignature", () => {
  const good: [text: string, parameters: string, result: string][] = [
    ["(id: number): Promise<User>", "(id: number)", "Promise<User>"],
    [" (id: number) => Promise<User>; ", "(id: number)", "Promise<User>"],
    ["(): void", "()", "void"],
    ["<T extends () => void>(f: T): T", "<T extends () => void>(f: T)", "T"],
    ["(a: { b: [1, 2] }, ...c: string[]): 0", "(a: { b: [1, 2] }, ...c: string[])", "0"],
    ['(a: ")" | "(", b: `${string}(`): "x"', '(a: ")" | "(", b: `${string}(`)', '"x"'],
    ["(f: (x: Promise<1>) => void): Promise<2>", "(f: (x: Promise<1>) => void)", "Promise<2>"],
    ["(a: 1 /* ) */): { then: 1 }", "(a: 1 /* ) */)", "{ then: 1 }"],
    ["(\n  a: 1,\n): A |\n  B", "(\n  a: 1,\n)", "A |\n  B"],
  ];
  for (const [text, parameters, result] of good) {
    test(`reads ${text}`, () => expect(readSignature(text)).toEqual({ parameters, result }));
  }

  const bad = [
    42,
    "",
    "id: number",
    "(id: number)",
    "(id: number",
    "(id: number]: 1",
    "(id: number): ",
    "(id: number): }; declare const evil: {",
    "(id: number): Promise<User",
    "(id: '): 1",
    "(id: number): 1 // and more",
    "<T(id: number): 1",
  ];
  for (const text of bad) {
    test(`refuses ${String(text)}`, () => expect(readSignature(text)).toBeUndefined());
  }
});

test("awaited takes a promise's value out of its type", () => {
  expect(awaited("Promise<Map<string, number[]>>")).toBe("Map<string, number[]>");
  expect(awaited("string")).toBe("string");
  expect(awaited("Promise<1> | Promise<2>")).toBe("Awaited<Promise<1> | Promise<2>>");
  expect(awaited("PromiseLike<1>")).toBe("Awaited<PromiseLike<1>>");
  expect(awaited("{ promised: 1 }")).toBe("{ promised: 1 }");
});
