import { microseconds } from "./units.mjs";

/** @type {import("../harness/rounds.mjs").Row} */
export const receipts = {
  id: "receipts",
  title: "What receipts cost: the end of one run in the pool",
  note: "The pool's own code for it alone, without a worker: the sums of a function and of a key, and the receipt.",
  unit: microseconds,
  contenders: [
    {
      id: "outcome",
      label: "with a receipt for the caller",
      module: "settlement.mjs",
      options: { way: "outcome" },
    },
    { id: "sums", label: "added up only", module: "settlement.mjs", options: { way: "sums" } },
    { id: "none", label: "neither", module: "settlement.mjs", options: { way: "none" } },
  ],
  comparisons: [
    {
      label: "what they cost",
      subject: "outcome",
      reference: "none",
      target: { measure: "more", bound: 1 },
    },
    {
      label: "what adding up costs",
      subject: "sums",
      reference: "none",
      target: { measure: "more", bound: 1 },
    },
  ],
};
