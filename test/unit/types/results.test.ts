/** What TypeScript knows of values that cross the wall; the compiler is the test. */
import { expectTypeOf, test } from "vitest";
import { createPool, type Crossed, type Definitions, type Pool, type SourceText } from "skep";

class Point {
  readonly x: number = 1;
  label?: string;
  #secret = 2;
  norm(): number {
    return this.x + this.#secret;
  }
}

interface Json {
  [key: string]: string | number | Json | Json[];
}

test("values arrive as data", () => {
  expectTypeOf<Crossed<Point>>().toEqualTypeOf<{ readonly x: number; label?: string }>();
  expectTypeOf<Crossed<{ a: Point[]; m: Map<string, Point> }>>().toEqualTypeOf<{
    a: { readonly x: number; label?: string }[];
    m: Map<string, { readonly x: number; label?: string }>;
  }>();
  expectTypeOf<Crossed<{ id: string; f: () => void; s: symbol }>>().toEqualTypeOf<{
    id: string;
    s: never;
  }>();
  expectTypeOf<Crossed<() => void>>().toBeNever();
  expectTypeOf<Crossed<{ p: Promise<number> }>>().toEqualTypeOf<{ p: never }>();
});

test("what is data already stays as it is", () => {
  type Id = string & { readonly brand: unique symbol };
  expectTypeOf<Crossed<Id>>().toEqualTypeOf<Id>();
  expectTypeOf<Crossed<unknown>>().toBeUnknown();
  expectTypeOf<Crossed<any>>().toBeAny();
  expectTypeOf<Crossed<void>>().toBeVoid();
  expectTypeOf<Crossed<"a" | 1n | null | undefined>>().toEqualTypeOf<"a" | 1n | null | undefined>();
  expectTypeOf<Crossed<Date | RegExp | Uint8Array>>().toEqualTypeOf<Date | RegExp | Uint8Array>();
  expectTypeOf<Crossed<[a: number, b?: string]>>().toEqualTypeOf<[a: number, b?: string]>();
  expectTypeOf<Crossed<readonly [1, { b: 2 }]>>().toEqualTypeOf<[1, { b: 2 }]>();
  expectTypeOf<Crossed<Set<number>>>().toEqualTypeOf<Set<number>>();
  expectTypeOf<Crossed<Json>>().toExtend<Json>();
});

function pick(id: string): string;
function pick(id: number): number;
function pick(id: string | number): string | number {
  return id;
}

test("handles take what functions take, and promise what arrives of their results", () => {
  async function check(pool: Pool): Promise<void> {
    const remote = await pool.define({
      functions: {
        point: () => new Point(),
        later: async (): Promise<Point | undefined> => undefined,
        optional: (a: number, b?: string, ...rest: boolean[]) => [a, b, rest] as const,
        withThis(this: void, a: number) {
          return a;
        },
        nothing() {},
        pick,
        same: <Value>(value: Value) => value,
        context: (id: string, context?: { constants: object }) => [id, context].length,
      },
    });
    const point = await remote.point();
    expectTypeOf(point.x).toBeNumber();
    // @ts-expect-error -- methods stay where they are
    point.norm();
    expectTypeOf(remote.later).returns.resolves.toEqualTypeOf<
      { readonly x: number; label?: string } | undefined
    >();
    expectTypeOf(remote.optional).parameters.toEqualTypeOf<
      [a: number, b?: string | undefined, ...rest: boolean[]]
    >();
    // @ts-expect-error -- the rest are booleans
    void remote.optional(1, "b", 2);
    // @ts-expect-error -- one is needed
    void remote.optional();
    expectTypeOf(remote.withThis).parameters.toEqualTypeOf<[a: number]>();
    expectTypeOf(remote.nothing).returns.resolves.toBeVoid();
    // @ts-expect-error -- it takes nothing
    void remote.nothing(1);
    expectTypeOf(remote.pick).toEqualTypeOf<(id: number) => Promise<number>>();
    // @ts-expect-error -- of overloads the last is known
    void remote.pick("a");
    expectTypeOf(remote.same).toEqualTypeOf<(value: unknown) => Promise<unknown>>();
    void remote.context("a");
  }
  expectTypeOf(check).toBeFunction();
});

test("texts, in JavaScript and in TypeScript, take and return what nobody knows", () => {
  async function check(pool: Pool): Promise<void> {
    const remote = await pool.define({
      functions: {
        text: "(a) => a",
        object: { source: "(a) => a" },
        typed: { source: "(a: number) => a", language: "ts" },
      },
    });
    for (const handle of [remote.text, remote.object, remote.typed]) {
      expectTypeOf(handle).toEqualTypeOf<(...args: unknown[]) => Promise<unknown>>();
    }
    // @ts-expect-error -- its result is not known to be a number
    const wrong: number = await remote.typed(1);
    void wrong;
    // @ts-expect-error -- there is no such language
    void pool.define({ functions: { f: { source: "", language: "coffee" } } });
    // @ts-expect-error -- a source is a text
    void pool.define({ functions: { f: { source: 1 } } });
    // @ts-expect-error -- a number is no function
    void pool.define({ functions: { f: 1 } });
    const bootstrap: SourceText = { source: "", language: "ts" };
    void createPool({ bootstrap });
    const created = await createPool({ functions: { typed: bootstrap, add: (a: number) => a } });
    expectTypeOf(created.call.typed).returns.resolves.toBeUnknown();
    expectTypeOf(created.call.add).parameters.toEqualTypeOf<[a: number]>();
  }
  expectTypeOf(check).toBeFunction();
});

interface Tools {
  add(a: number, b: number): number;
}

test("definitions whose functions nobody knows give handles for any arguments", () => {
  async function check(pool: Pool, definitions: Definitions): Promise<void> {
    const remote = await pool.define(definitions);
    expectTypeOf(remote["any"]).toEqualTypeOf<
      ((...args: unknown[]) => Promise<unknown>) | undefined
    >();
    const named = await pool.define<Tools>({ functions: { add: (a, b) => a + b } });
    expectTypeOf(named.add).toEqualTypeOf<(a: number, b: number) => Promise<number>>();
    await pool.undefine({ functions: ["add"] as const });
  }
  expectTypeOf(check).toBeFunction();
});

test("options may be read-only all the way down", () => {
  async function check(): Promise<void> {
    const options = {
      functions: { add: (a: number) => a, text: "() => 1" },
      constants: { LIST: [1, 2], NESTED: { a: 1 } },
      dependencies: {
        path: { module: "node:path", exports: ["join"], handles: { Url: ["toString"] } },
        typed: { source: "", language: "ts" },
      },
      webApis: ["console", "timers"],
      fetch: { allow: ["https://api.example.com"] },
    } as const;
    const pool = await createPool(options);
    expectTypeOf(pool.call.add).toEqualTypeOf<(a: number) => Promise<number>>();
    const modules = { "./a.js": "" } as const;
    await pool.eval("1", { modules, imports: { a: "./a.js" } as const, language: undefined });
    await pool.run("add", [1] as const);
  }
  expectTypeOf(check).toBeFunction();
});

test("host functions know what they are called with", () => {
  function check(): void {
    void createPool({
      host: {
        find(id: number) {
          expectTypeOf(this.runId).toBeNumber();
          expectTypeOf(this.signal).toEqualTypeOf<AbortSignal>();
          // @ts-expect-error -- there is no such thing
          void this.nothing;
          return id;
        },
        nested: {
          query: {
            fn: function (text: string) {
              expectTypeOf(this.key).toEqualTypeOf<string | undefined>();
              return text;
            },
            timeoutMs: 5,
          },
        },
        arrow: async (first, second) => [first, second],
      },
    });
    // @ts-expect-error -- a limit is a number
    void createPool({ host: { f: { fn: () => 1, timeoutMs: "5" } } });
    // @ts-expect-error -- a host function is no text
    void createPool({ host: { f: "() => 1" } });
  }
  expectTypeOf(check).toBeFunction();
});
