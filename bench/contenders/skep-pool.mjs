// skep as its users have it: a pool.
import { createPool } from "../../dist/index.node.js";
import { ADD, callsInFlight, expect, IGNORE, oneAfterTheOther, PROGRAMS } from "./workload.mjs";

/** All that can be lifted. */
const NO_LIMITS = { timeoutMs: 0, hostCalls: 0, bytesIn: 0, bytesOut: 0, consoleBytes: 0 };

/**
 * @param {{ environment?: string, isolation?: "call" | "worker", workers?: number,
 *   inFlight?: number, program?: keyof typeof PROGRAMS, args?: unknown[], unlimited?: boolean }} options `inFlight` 1: each call is awaited
 *   before the next.
 */
export async function open({
  environment = "auto",
  isolation = "call",
  workers = 2,
  inFlight = 64,
  program,
  args,
  unlimited = false,
}) {
  const trivial = args === undefined ? ADD : IGNORE;
  const source = program === undefined ? trivial : PROGRAMS[program];
  const pool = await createPool({
    environment,
    isolation,
    workers,
    functions: { work: source },
    ...(unlimited ? { limits: NO_LIMITS } : {}),
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
