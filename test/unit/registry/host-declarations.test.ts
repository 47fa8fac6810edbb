/** What `pool.describe()` says is TypeScript: the compiler reads it. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { declareHosts } from "../../../src/registry/host-declarations.ts";
import { type HostTable, prepareHosts } from "../../../src/registry/host-functions.ts";

const run = promisify(execFile);

/** What the compiler says to a program; empty when it has nothing to say. */
async function complaints(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skep-declarations-"));
  try {
    const file = join(folder, "program.ts");
    await writeFile(file, program);
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
      "bin/tsc",
    );
    const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022", "--types", ""];
    await run(process.execPath, [compiler, ...flags, file], { cwd: folder });
    return "";
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const RESERVED =
  "break case catch class const continue debugger default delete do else enum export extends false " +
  "finally for function if import in instanceof new null return super switch this throw true try " +
  "typeof var void while with yield let static implements interface package private protected " +
  "public await async get set readonly type of as is keyof unique abstract declare constructor " +
  "toString then prototype été $ _ ªº";

const HOST: HostTable = {
  words: Object.fromEntries(RESERVED.split(" ").map((word) => [word, () => 1])),
  signed: Object.fromEntries(
    RESERVED.split(" ").map((word) => [
      word,
      { fn: () => 1, signature: "(id: number): Promise<string>" },
    ]),
  ),
  plain: () => 1,
  deep: { a: { b: { c: { fn: () => 1, signature: "() => { x: 1 }" } } } },
  arrow: { fn: () => 1, signature: "(f: Promise<1>) => Promise<Map<string, number>>" },
  generic: { fn: () => 1, signature: "<T>(value: T): Promise<T[]>" },
  either: { fn: () => 1, signature: "(): Promise<1> | Promise<2>" },
  now: { fn: () => 1, signature: "(): number" },
  spread: { fn: () => 1, signature: "(\n  ...all: string[]\n): Promise<void>" },
  told: {
    fn: () => 1,
    description: "Ends */ declare const evil: 1; /*\nand goes on.",
    maxCallsPerRun: 3,
    timeoutMs: 50,
  },
};

test("declarations are valid, and say what calls come to", async () => {
  const text = declareHosts(prepareHosts(HOST));
  const program = `${text}
    const arrow: Map<string, number> = await host.arrow(Promise.resolve(1));
    const arrowNow: Map<string, number> = hostSync.arrow(Promise.resolve(1));
    const list: string[] = await host.generic("x");
    const one: 1 | 2 = await host.either();
    const oneNow: 1 | 2 = hostSync.either();
    const number: Promise<number> = host.now();
    const same: number = hostSync.now();
    const x: 1 = hostSync.deep.a.b.c().x;
    const nothing: void = hostSync.spread("a", "b");
    const unknown: Promise<unknown> = host.plain(1, "two", {});
    const word: string = hostSync.signed.new(1) + hostSync.signed.constructor(1) + hostSync.signed.été(1);
    export { arrow, arrowNow, list, one, oneNow, number, same, x, nothing, unknown, word };`;
  expect(await complaints(program)).toBe("");
  const wrong = `${text}
    export const a: string = hostSync.now();
    export const b: Promise<1> = host.deep.a.b.c();
    export const c = host.signed.delete("text");
    export const d = evil;`;
  const found = await complaints(wrong);
  expect([...found.matchAll(/program\.ts\((\d+)/g)]).toHaveLength(4);
}, 30_000);

test("parameters are those of the validator", async () => {
  const user = z.object({
    id: z.number().int(),
    "full name": z.string().optional(),
    role: z.enum(["admin", 'o"ther']).nullable(),
    tags: z.array(z.union([z.literal(1), z.boolean()])),
    place: z.tuple([z.number(), z.string().optional()]),
    more: z.record(z.string(), z.number()),
  });
  const text = declareHosts(
    prepareHosts({
      save: { fn: () => 1, validate: z.tuple([user, z.string().optional()]).rest(z.boolean()) },
      list: { fn: () => 1, validate: z.array(z.string()) },
      none: { fn: () => 1, validate: z.tuple([]) },
      when: { fn: () => 1, validate: z.tuple([z.date()]) },
      given: { fn: () => 1, validate: z.tuple([]), signature: "(own: 1): 2" },
      broken: {
        fn: () => 1,
        validate: {
          "~standard": {
            validate: () => ({ value: [] }),
            jsonSchema: { input: () => ({ type: "array", prefixItems: [{ type: [] }, 5, null] }) },
          },
        },
      },
    }),
  );
  expect(text).toContain("  list(...args: string[]): Promise<unknown>;");
  expect(text).toContain("  when(...args: unknown[]): Promise<unknown>;");
  expect(text).toContain("  given(own: 1): Promise<2>;");
  expect(text).toContain("  none(): Promise<unknown>;");
  const program = `${text}
    const user = { id: 1, role: 'o"ther' as const, tags: [1 as const, true], place: [1] as [number], more: { a: 1 } };
    await host.save(user);
    await host.save({ ...user, "full name": "x", role: null }, "text", true, false);
    hostSync.list("a", "b");
    export {};`;
  expect(await complaints(program)).toBe("");
  const wrong = `${text}
    hostSync.save();
    hostSync.save({ id: "1", role: null, tags: [], place: [1], more: {} });
    hostSync.save({ id: 1, role: "x", tags: [], place: [1], more: {} });
    hostSync.list(1);
    hostSync.none(1);
    export {};`;
  const found = await complaints(wrong);
  expect([...found.matchAll(/program\.ts\((\d+)/g)]).toHaveLength(5);
}, 30_000);

test("comments say what a caller should know", () => {
  const text = declareHosts(
    prepareHosts({
      one: { fn: () => 1, description: "Finds one." },
      two: { fn: () => 1, description: " First.\n\nSecond. ", maxCallsPerRun: 2 },
      three: { fn: () => 1, timeoutMs: 5 },
      four: () => 1,
    }),
  );
  expect(text).toContain("  /** Finds one. */\n  one(");
  expect(text).toContain(
    "  /**\n   * First.\n   *\n   * Second.\n   * At most 2 calls per run.\n   */\n  two(",
  );
  expect(text).toContain("  /** Throws a TimeoutError after 5 ms. */\n  three(");
  expect(text).toMatch(/\{\n {2}four\(/);
  expect(declareHosts([])).toBe("");
});
