// skep as its users have it: a pool.
import { createPool } from "../../dist/index.node.js";
import { ADD, callsInFlight, expect, IGNORE, oneAfterTheOther, PROGRAMS } from "./workload.mjs";

/**
 * @param {{ environment?: string, isolation?: "call" | "worker", workers?: number,
 *   inFlight?: number, program?: keyof typeof PROGRAMS, args?: unknown[] }} options `inFlight` 1: each call is awaited
 *   before the next.
 */
export async function open({
  environment = "auto",
  isolation = "call",
  workers = 2,
  inFlight = 64,
  program,
  args,
}) {
  const trivial = args === undefined ? ADD : IGNORE;
  const source = program === undefined ? trivial : PROGRAMS[program];
  const pool = await createPool({
    environment,
    isolation,
    workers,
    functions: { work: source },
  });
  const { work } = pool.call;
  const given = args ?? (program === undefined ? [1, 2] : []);
  const call = () => work(...given);
  if (program === undefined) expect(await call(), args === undefined ? 3 : 1);
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    close: () => pool.close({ force: true }),
  };
}
