// A trivial call in sandboxes that have more in them than others: web APIs, a dependency.
import { createPool } from "../../dist/index.node.js";
import { ADD, callsInFlight, expect } from "./workload.mjs";

/** What is called: `add` leaves the dependency alone, the others ask it, or what they have instead. */
const CALLS = {
  add: ADD,
  own: "(value) => { const library = { isNumber: (given) => typeof given === 'number' }; return library.isNumber(value); }",
  context: "(value, context) => context.dependencies.dependency.isNumber(value)",
  imported: "async (value) => (await import('dependency')).isNumber(value)",
};
/** A dependency of one line. */
const SMALL = "export const isNumber = (given) => typeof given === 'number';";

/** @param {{ npm?: string, webApis?: "all" | "none", call?: keyof typeof CALLS }} options */
export async function open({ npm, webApis = "all", call: kind = "add" }) {
  const pool = await createPool({
    environment: "in-thread",
    webApis,
    functions: { work: CALLS[kind] },
    ...(npm === undefined && kind !== "imported"
      ? {}
      : { dependencies: { dependency: npm === undefined ? { source: SMALL } : { npm } } }),
  });
  const args = kind === "add" ? [1, 2] : [1];
  const call = () => pool.call.work(...args);
  expect(await call(), kind === "add" ? 3 : true);
  return {
    round: (/** @type {number} */ count) => callsInFlight(count, 64, call),
    close: () => pool.close({ force: true }),
  };
}
