/** Host functions whose arguments zod checks: a Standard Schema as users have it. */
import { createPool, type Pool } from "skep";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const user = z.object({ name: z.string().min(2).trim(), age: z.coerce.number().int().default(7) });

describe("host functions with zod", () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await createPool({
      workers: 1,
      host: {
        save: { fn: (given: unknown) => given, validate: z.tuple([user]) },
        free: {
          fn: (name: string) => name,
          validate: z.tuple([z.string().refine(async (name) => name !== "taken", "is taken")]),
        },
      },
    });
  });
  afterAll(() => pool.close({ force: true }));

  it("get what the schema makes of the arguments", async () => {
    expect(await pool.eval("host.save({ name: ' Ada ', extra: 1 })")).toEqual({
      name: "Ada",
      age: 7,
    });
    expect(await pool.eval("hostSync.save({ name: 'Ada', age: '5' })")).toEqual({
      name: "Ada",
      age: 5,
    });
    expect(await pool.eval("await host.free('Ada')")).toBe("Ada");
  });

  it("are not called with others", async () => {
    const message = (source: string): Promise<unknown> =>
      pool.eval(`try { await ${source} } catch (error) { error.name + ": " + error.message }`);
    expect(await message("host.save({ name: 5 })")).toMatch(
      /^TypeError: host\.save was called with the wrong arguments: args\[0\]\.name: /,
    );
    expect(await message("host.save()")).toMatch(/^TypeError: /);
    expect(await message("host.free('taken')")).toMatch(/args\[0\]: is taken$/);
    expect(await message("hostSync.free('taken')")).toMatch(/args\[0\]: is taken$/);
  });

  it("describe what they take", () => {
    expect(pool.describe()).toContain(
      'save(arg0: { "name": string; "age"?: number }): Promise<unknown>;',
    );
  });
});
