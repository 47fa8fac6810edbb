// isolated-vm: V8's own isolates. Native code, which does not install everywhere.
import { ADD, expect, synchronously } from "./workload.mjs";

/** @param {{ fresh: "context" | "isolate" }} options */
export async function open({ fresh }) {
  const { default: ivm } = await import("isolated-vm").catch((cause) => {
    throw new Error("isolated-vm is native code and did not install here", { cause });
  });
  const source = `(${ADD})(1, 2)`;
  const memory = { memoryLimit: 64 };
  const shared = new ivm.Isolate(memory);
  const inContext = () => {
    const context = shared.createContextSync();
    const value = context.evalSync(source);
    context.release();
    return value;
  };
  const inIsolate = () => {
    const isolate = new ivm.Isolate(memory);
    const value = isolate.createContextSync().evalSync(source);
    isolate.dispose();
    return value;
  };
  const call = fresh === "isolate" ? inIsolate : inContext;
  expect(call(), 3);
  return { round: (/** @type {number} */ count) => synchronously(count, call) };
}
