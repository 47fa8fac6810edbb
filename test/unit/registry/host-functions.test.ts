import { describe, expect, test } from "vitest";
import { checkHosts } from "../../../src/registry/host-checks.ts";
import { prepareHosts } from "../../../src/registry/host-functions.ts";

function fn(): number {
  return 1;
}

class Database {
  find(): number {
    return 1;
  }
}

function nested(levels: number): object {
  return levels === 0 ? { name: fn } : { level: nested(levels - 1) };
}

describe("prepareHosts", () => {
  test("names functions by their path, sorted, with their options", () => {
    const validate = { "~standard": { validate: () => ({ value: [] }) } };
    expect(prepareHosts({ b: fn, a: { d: { fn, timeoutMs: 5, validate }, c: fn } })).toEqual([
      { name: "a.c", fn },
      { name: "a.d", fn, timeoutMs: 5, validate },
      { name: "b", fn },
    ]);
    expect(prepareHosts({})).toEqual([]);
    expect(prepareHosts({ fn: { fn } })).toEqual([{ name: "fn", fn }]);
    expect(prepareHosts(nested(8))).toHaveLength(1);
  });

  const wrong: [what: string, table: unknown, message: RegExp][] = [
    ["no table", null, /host must be/],
    ["a list", [fn], /host must be/],
    ["a function", fn, /host must be/],
    ["a value", { version: 1 }, /host\.version must be/],
    ["a name with a dot", { "a.b": fn }, /host\.a\.b: a name must be an identifier/],
    ["a number", { 1: fn }, /host\.1: a name must be/],
    ["no name", { "": fn }, /a name must be an identifier/],
    ["__proto__", { ["__proto__"]: fn }, /not __proto__/],
    ["a long path", { ["x".repeat(300)]: fn }, /longer than 256 characters/],
    [
      "a getter",
      {
        get find() {
          throw new Error("called");
        },
      },
      /host\.find is a getter/,
    ],
    ["an instance of a class", { db: new Database() }, /host\.db has no functions of its own/],
    ["a Map", { db: new Map([["find", fn]]) }, /host\.db has no functions/],
    ["an empty namespace", { db: { users: {} } }, /host\.db\.users has no functions/],
    ["deep nesting", nested(9), /nested more than 8 levels deep/],
    [
      "an unknown option",
      { find: { fn, timeout: 1 } },
      /options.*none called "timeout".*timeoutMs/,
    ],
    ["a timeout of nothing", { find: { fn, timeoutMs: 0 } }, /timeoutMs must be a positive whole/],
    ["a timeout beyond timers", { find: { fn, timeoutMs: 2 ** 31 } }, /at most 2147483647/],
    ["half a call", { find: { fn, maxCallsPerRun: 0.5 } }, /maxCallsPerRun must be/],
    ["endless places", { find: { fn, concurrency: Infinity } }, /concurrency must be/],
    ["no validator", { find: { fn, validate: {} } }, /Standard Schema/],
  ];
  for (const [what, table, message] of wrong) {
    test(`refuses ${what}`, () => {
      expect(() => prepareHosts(table)).toThrow(message);
      expect(() => prepareHosts(table)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    });
  }
});

describe("checkHosts", () => {
  const wrong: [what: string, table: object, defined: string[], message: RegExp][] = [
    ["a signature that is none", { f: { fn, signature: "nonsense" } }, [], /host\.f: signature/],
    ["a signature that is no text", { f: { fn, signature: 1 } }, [], /host\.f: signature/],
    ["a description that is no text", { f: { fn, description: 1 } }, [], /description/],
    ["a namespace in a function", { a: { b: { c: fn } } }, ["a"], /host\.a is a function/],
    ["a function over a namespace", { a: fn }, ["a.b.c"], /host\.a\.b\.c is defined/],
  ];
  for (const [what, table, defined, message] of wrong) {
    test(`refuses ${what}`, () => {
      expect(() => checkHosts(prepareHosts(table), defined)).toThrow(message);
    });
  }

  test("takes names that begin alike", () => {
    checkHosts(prepareHosts({ ab: fn, a: { b: fn } }), ["a.bc", "abc", "a.b"]);
  });
});
