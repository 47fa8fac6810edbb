/** What TypeScript knows of a pool; the compiler is the test, and it runs with the others' types. */
import { expectTypeOf, test } from "vitest";
import type { Pool, RunOutcome } from "skep";

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
