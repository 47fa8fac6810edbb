/** Images of sessions between processes and engines. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";
import { createPool, type SkepError } from "skep";
import { SESSION_FUNCTIONS } from "./session-functions.ts";

const execute = promisify(execFile);

/** Restores an image, goes on in it, and writes an image of that. */
const OTHER_PROCESS = `
  import { createPool } from "skep";
  import { text } from "node:stream/consumers";
  const [image, functions] = JSON.parse(await text(process.stdin));
  const pool = await createPool({ workers: 1, functions });
  const session = await pool.restore(Buffer.from(image, "base64"));
  const found = await session.eval("remember.set('visited', next()); [...remember.keys()].join()");
  const back = Buffer.from(await session.snapshot()).toString("base64");
  await pool.close();
  process.stdout.write(JSON.stringify({ found, back }));
`;

it("goes to another process, and comes back", async () => {
  const child = execute(process.execPath, ["--input-type=module", "--eval", OTHER_PROCESS], {
    maxBuffer: 2 ** 26,
  });
  child.child.stdin?.end(JSON.stringify([inject("sessionImage"), SESSION_FUNCTIONS]));
  const { stdout } = await child;
  const { found, back } = JSON.parse(stdout) as { found: string; back: string };
  expect(found).toContain("from,big");
  const pool = await createPool({ workers: 1, functions: SESSION_FUNCTIONS });
  try {
    const session = await pool.restore(Buffer.from(back, "base64"));
    expect(await session.eval("[remember.get('visited'), next()]")).toEqual([41, 42]);
  } finally {
    await pool.close();
  }
});

it("is refused by the other engine, both ways", async () => {
  const open = (engine: "sync" | "asyncify") =>
    createPool({ workers: 1, functions: SESSION_FUNCTIONS, engine });
  const pools = await Promise.all([open("sync"), open("asyncify")]);
  try {
    for (const [one, other] of [pools, pools.toReversed()]) {
      const image = await (await one?.session())?.snapshot();
      const refusal = other?.restore(image ?? new Uint8Array());
      const error = await refusal?.catch((caught: SkepError) => caught);
      expect(error).toMatchObject({ code: "image-refused" });
      expect((error as SkepError).message).toMatch(/engine/);
    }
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
});
