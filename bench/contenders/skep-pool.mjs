// skep as its users have it: a pool.
import { createPool } from "../../dist/index.node.js";
import { ADD, callsInFlight, expect, oneAfterTheOther, PROGRAMS } from "./workload.mjs";

/**
 * @param {{ environment?: string, isolation?: "call" | "worker", workers?: number,
 *   inFlight?: number, program?: keyof typeof PROGRAMS }} options `inFlight` 1: each call is awaited
 *   before the next.
 */
export async function open({
  environment = "auto",
  isolation = "call",
  workers = 2,
  inFlight = 64,
  program,
}) {
  const source = program === undefined ? ADD : PROGRAMS[program];
  const pool = await createPool({
    environment,
    isolation,
    workers,
    functions: { work: source },
  });
  const { work } = pool.call;
  const call = program === undefined ? () => work(1, 2) : () => work();
  if (program === undefined) expect(await call(), 3);
  return {
    round: (/** @type {number} */ count) =>
      inFlight === 1 ? oneAfterTheOther(count, call) : callsInFlight(count, inFlight, call),
    close: () => pool.close({ force: true }),
  };
}
