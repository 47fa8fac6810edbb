/** What TypeScript knows of a pool; the compiler is the test, and it runs with the others' types. */
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  createPool,
  type HostCallContext,
  type Pool,
  type PoolOptions,
  type RunOutcome,
  type SourceLocation,
} from "skep";

test("define() returns handles typed from the functions given", () => {
  async function check(pool: Pool): Promise<void> {
    const remote = await pool.define({
      functions: {
        add(a: number, b: number) {
          return a + b;
        },
        async name(id: string) {
          return { id };
        },
        text: "(a) => a",
      },
    });
    expectTypeOf(remote.add).parameters.toEqualTypeOf<[a: number, b: number]>();
    expectTypeOf(remote.add).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(remote.name).returns.resolves.toEqualTypeOf<{ id: string }>();
    expectTypeOf(remote.text).parameters.toEqualTypeOf<unknown[]>();
    // @ts-expect-error -- a text is no number
    void remote.add("1", 2);
    // @ts-expect-error -- nothing of that name was defined
    void remote.missing();
  }
  expectTypeOf(check).toBeFunction();
});

test("runs and evaluations are typed by the caller", () => {
  async function check(pool: Pool): Promise<void> {
    expectTypeOf(pool.run<number>("add", [1, 2])).resolves.toEqualTypeOf<number>();
    expectTypeOf(pool.eval("1")).resolves.toEqualTypeOf<unknown>();
    const outcome = await pool.execute<string>({ run: "name" });
    expectTypeOf(outcome).toEqualTypeOf<RunOutcome<string>>();
    if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<string>();
    else expectTypeOf(outcome.error.code).toBeString();
  }
  expectTypeOf(check).toBeFunction();
});

interface Tools {
  add(a: number, b: number): number;
  load(id: string): Promise<{ id: string }>;
}

test("pool.call is typed by what createPool() was given", () => {
  async function check(): Promise<void> {
    const pool = await createPool({
      functions: { add: (a: number, b: number) => a + b, text: "(a) => a" },
    });
    expectTypeOf(pool.call.add).parameters.toEqualTypeOf<[a: number, b: number]>();
    expectTypeOf(pool.call.add).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(pool.call.text).returns.resolves.toEqualTypeOf<unknown>();
    // @ts-expect-error -- a text is no number
    void pool.call.add("1", 2);
    // @ts-expect-error -- nothing of that name was given
    void pool.call.missing();
  }
  expectTypeOf(check).toBeFunction();
});

test("pool.call is typed by createPool's type argument, an interface as well", () => {
  async function check(): Promise<void> {
    const pool = await createPool<Tools>();
    expectTypeOf(pool.call.add(1, 2)).resolves.toEqualTypeOf<number>();
    expectTypeOf(pool.call.load("x")).resolves.toEqualTypeOf<{ id: string }>();
    // @ts-expect-error -- it needs two numbers
    void pool.call.add(1);
    // @ts-expect-error -- nothing of that name
    void pool.call.missing();
    // @ts-expect-error -- the functions given must be those that were named
    void createPool<{ add(a: number): number }>({ functions: { add: (a: string) => a } });
    // @ts-expect-error -- no function can be a number
    void createPool<{ add: number }>();
    const inline = await createPool<{ twice(n: number): number }>({ environment: "in-thread" });
    expectTypeOf(inline.call.twice(1)).resolves.toEqualTypeOf<number>();
  }
  expectTypeOf(check).toBeFunction();
});

test("typed() gives a pool's calls other types, and any pool is a Pool", () => {
  async function check(plain: Pool): Promise<void> {
    expectTypeOf(plain.call).toBeAny();
    const typed = plain.typed<Tools>();
    expectTypeOf(typed).toEqualTypeOf<Pool<Tools>>();
    // @ts-expect-error -- a number is no text
    void typed.call.load(1);
    const again: Pool = typed;
    const untyped = await createPool({ workers: 1 });
    expectTypeOf(untyped.call).toBeAny();
    const options: PoolOptions = {};
    expectTypeOf((await createPool(options)).call).toBeAny();
    const remote = await again.define({ functions: { add: (a: number) => a } });
    expectTypeOf(remote.add).returns.resolves.toEqualTypeOf<number>();
  }
  expectTypeOf(check).toBeFunction();
});

test("results of evaluations and outcomes are typed by the caller", () => {
  async function check(pool: Pool): Promise<void> {
    const { answer } = await pool.eval<{ answer: number }>("export const answer = 42", {
      type: "module",
      modules: { "./a.js": "" },
    });
    expectTypeOf(answer).toEqualTypeOf<number>();
    const outcome = await pool.execute<boolean>({ eval: "true", language: "ts" });
    if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<boolean>();
    else expectTypeOf(outcome.error.location).toEqualTypeOf<SourceLocation | undefined>();
    // @ts-expect-error -- there is no such language
    void pool.eval("1", { language: "coffee" });
    // @ts-expect-error -- a module is text
    void pool.eval("1", { modules: { "./a.js": 1 } });
  }
  expectTypeOf(check).toBeFunction();
});

test("host functions are typed by their options, and `this` by what they find there", () => {
  async function check(pool: Pool): Promise<void> {
    await pool.define({
      host: {
        named: (id: number) => id,
        // What guests pass is anybody's guess where no type says it.
        loose: (id) => id.name,
        who() {
          expectTypeOf(this).toEqualTypeOf<HostCallContext>();
          return this.runId;
        },
        limited: {
          fn(id: number) {
            expectTypeOf(this.signal).toEqualTypeOf<AbortSignal>();
            return id;
          },
          validate: z.tuple([z.number()]),
          timeoutMs: 5,
        },
        deep: { er: { parse: JSON.parse, max: Math.max } },
      },
    });
    // @ts-expect-error -- a number is no function
    await pool.define({ host: { value: 5 } });
    // @ts-expect-error -- there is no such option
    await pool.define({ host: { find: { fn: () => 1, timeoutms: 5 } } });
    expectTypeOf(pool.registry().host).toEqualTypeOf<
      { name: string; installedWorkers: number }[]
    >();
  }
  expectTypeOf(check).toBeFunction();
});
