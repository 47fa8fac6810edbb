// A trivial call in sandboxes that have more in them than others: web APIs, a dependency.
import { createPool } from "../../dist/index.node.js";
import { ADD, callsInFlight, expect } from "./workload.mjs";

/**
 * @param {{ npm?: string, webApis?: "all" | "none", uses?: boolean }} options `uses`: the call
 *   imports the dependency.
 */
export async function open({ npm, webApis = "all", uses = false }) {
  const pool = await createPool({
    environment: "in-thread",
    webApis,
    functions: { work: uses ? "() => typeof wpc_import('dependency') && 3" : ADD },
    ...(npm === undefined ? {} : { dependencies: { dependency: { npm } } }),
  });
  const call = () => pool.call.work(1, 2);
  expect(await call(), 3);
  return {
    round: (/** @type {number} */ count) => callsInFlight(count, 64, call),
    close: () => pool.close({ force: true }),
  };
}
