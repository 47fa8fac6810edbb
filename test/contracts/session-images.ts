/** Makes, in Node, the image of a session that suites elsewhere go on with. */
import type { TestProject } from "vitest/node";
import { createPool } from "skep";
import { SESSION_FUNCTIONS } from "./session-functions.ts";

const SOURCE = `
  const next = (() => { let n = 40; return () => ++n })();
  remember = new Map([["from", "Node"], ["big", 2n ** 65n]]);
  setTimeout(() => remember.set("timer", 1), 1);
  0`;

export default async function setup({ provide }: TestProject): Promise<void> {
  const pool = await createPool({ workers: 1, functions: SESSION_FUNCTIONS });
  try {
    const session = await pool.session();
    await session.eval(SOURCE);
    provide("sessionImage", Buffer.from(await session.snapshot()).toString("base64"));
  } finally {
    await pool.close();
  }
}
