import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeFunction, hashSource } from "../../../src/registry/function-source.ts";

/** What the described expression evaluates to, here instead of in a sandbox. */
function rebuild(value: unknown): (...args: unknown[]) => unknown {
  const { source } = describeFunction("f", value);
  return (0, eval)(source) as (...args: unknown[]) => unknown;
}

const computed = "computed";
const methods: Record<string, unknown> = {
  add(a: number, b: number) {
    return a + b;
  },
  async later(a: number) {
    return a;
  },
  [computed](a: number) {
    return a * 2;
  },
  "quoted name"(a: number) {
    return a * 3;
  },
  42(a: number) {
    return a * 4;
  },
  async(a: number) {
    return a * 5;
  },
  get(a: number) {
    return a * 6;
  },
  function(a: number) {
    return a * 7;
  },
};

describe("describeFunction rebuilds", () => {
  test("declarations and function expressions", () => {
    function declared(a: number): number {
      return a + 1;
    }
    expect(rebuild(declared)(1)).toBe(2);
    expect(
      rebuild(function (a: number) {
        return a + 2;
      })(1),
    ).toBe(3);
    expect(rebuild("function (a) { return a + 3 }")(1)).toBe(4);
    expect(rebuild("function named(n) { return n < 2 ? 1 : n * named(n - 1) }")(4)).toBe(24);
  });

  test("arrows of every shape", () => {
    expect(rebuild((a: number) => a + 1)(1)).toBe(2);
    expect(rebuild("a => a + 1")(1)).toBe(2);
    expect(rebuild("() => ({ a: 1 })")()).toEqual({ a: 1 });
    expect(rebuild("({ a }, [b] = [2]) => a + b")({ a: 1 })).toBe(3);
    expect(rebuild("async => async + 1")(1)).toBe(2);
    expect(rebuild("(a) => a / 2 // half")(4)).toBe(2);
    expect(rebuild("a => a;\n")(4)).toBe(4);
    expect(rebuild("((a) => (b) => a + b)")(1)).toBeTypeOf("function");
  });

  test("async functions", async () => {
    expect(await rebuild(async (a: number) => a)(1)).toBe(1);
    expect(await rebuild("async a => a")(2)).toBe(2);
    expect(await rebuild("async (a, b) => a + b")(1, 2)).toBe(3);
    expect(await rebuild("async function () { return 4 }")()).toBe(4);
    expect(await rebuild(methods["later"])(5)).toBe(5);
  });

  test("methods of every name", () => {
    expect(rebuild(methods["add"])(1, 2)).toBe(3);
    expect(rebuild(methods["computed"])(1, 0)).toBe(2);
    expect(rebuild(methods["quoted name"])(1)).toBe(3);
    expect(rebuild(methods["42"])(1)).toBe(4);
    expect(rebuild(methods["async"])(1)).toBe(5);
    expect(rebuild(methods["get"])(1)).toBe(6);
    expect(rebuild(methods["function"])(1)).toBe(7);
    expect(rebuild("[Symbol.iterator](a) { return a }")(8)).toBe(8);
    expect(rebuild("#secret(a) { return a }")(9)).toBe(9);
    expect(rebuild("async 'x y'() { return 1 }")()).toBeInstanceOf(Promise);
  });

  test("functions with misleading text inside", () => {
    expect(rebuild("function (a = ')', b = `}${a + '}'}`) { return a + b /* } */ }")()).toBe(
      ")})}",
    );
    expect(rebuild("(a) => /[)}/]/.test(a) // )}")("}")).toBe(true);
    expect(rebuild("function /* ( */ f /* { */ (a) { return a / 2 / 1 }")(4)).toBe(2);
  });

  test("a Proxy-free function, whatever its own toString says", () => {
    const liar = Object.assign((a: number) => a + 1, { toString: () => "() => 'lie'" });
    expect(rebuild(liar)(1)).toBe(2);
  });
});

describe("describeFunction refuses", () => {
  class Example {
    #secret = 1;
    get value(): number {
      return this.#secret;
    }
  }
  const getter: unknown = Reflect.get(
    Object.getOwnPropertyDescriptor(Example.prototype, "value") ?? {},
    "get",
  );
  const refused: [string, unknown, RegExp][] = [
    ["native functions", Math.max, /native or bound/],
    ["bound functions", describeFunction.bind(null, "f"), /native or bound/],
    ["proxies", new Proxy(() => 1, {}), /native or bound/],
    ["classes", Example, /is a class/],
    ["class text", "class { }", /is a class/],
    ["getters", getter, /getter or setter/],
    ["setter text", "set x(value) { }", /getter or setter/],
    ["generator functions", function* () {}, /generator/],
    ["async generator text", "async *run() {}", /generator/],
    ["generator text", "*run() { yield 1 }", /generator/],
    ["numbers", 7, /is of type number/],
    ["null", null, /is null/],
    ["arrays", [], /is an array/],
    ["empty text", "  ", /is empty/],
    ["text that is no function", "1 + 1", /not a function/],
    ["calls", "(function () {})()", /not a function|more code/],
    ["two functions", "function a() {} function b() {}", /followed by more code/],
    ["a broken head", "function (a) } {", /not a function/],
  ];
  for (const [what, value, message] of refused) {
    test(what, () => {
      expect(() => describeFunction("f", value)).toThrow(message);
      expect(() => describeFunction("f", value)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    });
  }
});

describe("describeFunction tells", () => {
  test("the text of each parameter", () => {
    const { parameters, firstParameter } = describeFunction(
      "f",
      "function f(a, { b, c } = { b: [1, 2] }, d = ',', ...rest) {}",
    );
    expect(parameters).toEqual(["a", "{ b, c } = { b: [1, 2] }", "d = ','", "...rest"]);
    expect(firstParameter).toBe("a");
    expect(describeFunction("f", "() => 1")).toMatchObject({
      parameters: [],
      firstParameter: null,
    });
    expect(describeFunction("f", "x => 1").parameters).toEqual(["x"]);
    expect(describeFunction("f", "(a, /* b */) => 1").parameters).toEqual(["a"]);
    expect(describeFunction("f", "m(a, b) {}").parameters).toEqual(["a", "b"]);
  });

  test("where the context goes", () => {
    function index(source: string): number | undefined {
      return describeFunction("f", source).contextIndex;
    }
    expect(index("(a, context) => 1")).toBe(1);
    expect(index("(a, b = 5) => 1")).toBeUndefined();
    expect(index("(context = {}) => 1")).toBe(0);
    expect(index("context => 1")).toBe(0);
    expect(index("(...context) => 1")).toBeUndefined();
    expect(index("(contextual) => 1")).toBeUndefined();
    expect(index("({ context }) => 1")).toBeUndefined();
  });

  test("a hash that line ends and margins do not change", () => {
    const lines = "() => {\n  return 1;\n}";
    expect(hashSource(lines)).toBe(hashSource(`\r\n ${lines.replaceAll("\n", "\r\n")}\r\n`));
    expect(hashSource("abc")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(hashSource("ü")).toMatch(/^[0-9a-f]{40}$/);
    expect(describeFunction("f", lines).hash).toBe(hashSource(lines));
  });
});

test("no text makes the description hang or fail in another way", () => {
  const fragments =
    "function async ( ) { } [ ] => ` ${ ' \" / * // \n a , get class \\ = ... 1. ; \u2028 #x";
  const fragment = fc.constantFrom(...fragments.split(" "));
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 20 }), (chosen) => {
      try {
        describeFunction("f", chosen.join(""));
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid-argument" });
      }
    }),
    { numRuns: 2_000 },
  );
});
