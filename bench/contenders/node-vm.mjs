// node:vm: a new context of the same isolate, which is no security boundary.
import { createContext, Script } from "node:vm";
import { ADD, expect, synchronously } from "./workload.mjs";

export function open() {
  const script = new Script(`(${ADD})(1, 2)`);
  const call = () => script.runInContext(createContext({}));
  expect(call(), 3);
  return { round: (/** @type {number} */ count) => synchronously(count, call) };
}
